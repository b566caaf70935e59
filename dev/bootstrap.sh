#!/bin/sh
# Installs uv into .local/uv with whatever Python 3 the machine has. Called by the Makefile.
set -eu

target=.local/uv
for python in python3 /usr/bin/python3 python3.13 python3.12 python3.11; do
  # A shim without its interpreter, or a Python without venv, is no use: try the next one.
  if "$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; then
    echo "Installing uv into $target with $(command -v "$python")"
    "$python" -m venv --clear "$target"
    "$target/bin/python" -m pip install --quiet --disable-pip-version-check 'uv>=0.9'
    exit 0
  fi
done

echo "No Python 3 with the venv module was found, and uv is missing." >&2
echo "Install one of them (on Debian: apt-get install python3-venv) and try again." >&2
exit 1
