"""QR codes as paths of SVG."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import segno

# The margin that a QR code needs around it to be read (ISO/IEC 18004), in modules.
_MARGIN: Final = 4
# To try every mask takes 15 ms; it matters to texts with patterns, and hashes and addresses have none.
_MASK: Final = 2
_KEPT: Final = 1024


@dataclass(frozen=True)
class QrCode:
    """A QR code with its margin: a side in modules, and a path (SVG) of one square per dark module."""

    side: int
    path: str


@lru_cache(maxsize=_KEPT)
def qr_code(text: str) -> QrCode:
    """Return the QR code of a text: any reader shows the text as it is."""
    rows = segno.make(text, error="m", micro=False, mask=_MASK).matrix
    path = "".join(
        f"M{column + _MARGIN} {row + _MARGIN}h1v1h-1z"
        for row, modules in enumerate(rows)
        for column, is_dark in enumerate(modules)
        if is_dark
    )
    return QrCode(len(rows) + 2 * _MARGIN, path)
