"""How large what is deployed is: unzipped, where Lambda has its limit, and zipped, to load."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile

from dev.bench.figures import Figure
from dev.template import functions

PART = "What is deployed"
LAYER = "TallyLayer"
LARGEST = "the largest function"
REFERENCE = "Reference"
CONSOLE = "Console"
UNZIPPED, ZIPPED = "MB unzipped", "MB zipped"
# Lambda takes 250 MB of a function and its layers. What is larger also starts more slowly. Of the
# layer, 17 MB (5.5 zipped) are cryptography: read from the disk when an access token arrives.
# The reference brings the API's document and the page that shows it, and the console its pages:
# files that they only read.
CEILINGS = {
    LAYER: (42, 15),
    LARGEST: (0.02, 0.01),
    REFERENCE: (1.6, 0.4),
    CONSOLE: (0.25, 0.1),
}
_MEGA = 1_000_000


class Size(NamedTuple):
    """Bytes."""

    unzipped: int
    zipped: int


def measure(built: Path) -> Iterator[Figure]:
    """The layer, the functions with the reference and the console, and the largest of the others,
    without the layer."""
    found = sizes(built)
    others = functions().keys() - {REFERENCE, CONSOLE}
    largest = max((found[name] for name in others), key=lambda size: size.unzipped)
    for name, size in (
        (LAYER, found[LAYER]),
        (LARGEST, largest),
        (REFERENCE, found[REFERENCE]),
        (CONSOLE, found[CONSOLE]),
    ):
        for unit, of_unit, at_most in zip((UNZIPPED, ZIPPED), size, CEILINGS[name], strict=True):
            yield Figure(PART, name, of_unit / _MEGA, unit, at_most)


def sizes(built: Path) -> Mapping[str, Size]:
    """The layer's and each function's, by logical name."""
    return {name: _size(built / name) for name in (LAYER, *functions())}


def _size(folder: Path) -> Size:
    files = [file for file in folder.rglob("*") if file.is_file()]
    archive = BytesIO()
    with ZipFile(archive, "w", ZIP_DEFLATED) as zipped:
        for file in files:
            zipped.write(file, file.relative_to(folder))
    return Size(sum(file.stat().st_size for file in files), archive.tell())
