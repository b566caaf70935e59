"""Credentials in texts that people read: one that was sent by mistake is not repeated."""

from __future__ import annotations

import re

# API keys, session tokens and JWTs, however much of one is there.
_CREDENTIAL = re.compile(r"((?i:ipto_|sess_)|eyJ)[\w.~+/=-]{16,}", re.ASCII)


def masked(text: str) -> str:
    """`API key ipto_k3j5... does not exist.` -> `API key ipto_… does not exist.`"""
    return _CREDENTIAL.sub(r"\1…", text)
