"""Unpacking a list that comes compressed: gzip, bzip2, xz, or a zip of one file.

What a file is, its first bytes say, not its name. However much a small file grows to, no more is
written than a list may have.
"""

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import NamedTemporaryFile
from typing import IO, Final, Protocol

from app.lists.parsers.xml_records import MalformedList

_PIECE_BYTES: Final = 64 * 1024
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")  # with files, and without any
_OPENERS: Final[dict[bytes, type[gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile]]] = {
    b"\x1f\x8b": gzip.GzipFile,
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
}
_SUFFIXES: Final = (".gz", ".bz2", ".xz", ".zip")
_BROKEN: Final = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, zipfile.BadZipFile)


class _Readable(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...


@contextmanager
def unpacked(path: Path, name: str, max_bytes: int) -> Iterator[tuple[Path, str]]:
    """Yield a file and its name, both unpacked if it is compressed. Raises MalformedList."""
    with path.open("rb") as stream:
        head = stream.read(max(map(len, (*_ZIP, *_OPENERS))))
    opener = next((one for magic, one in _OPENERS.items() if head.startswith(magic)), None)
    if opener is None and not head.startswith(_ZIP):
        yield path, name
        return
    with NamedTemporaryFile() as file:
        try:
            if opener is None:
                name = _unzip(path, file, max_bytes)
            else:
                name = name_without_packing(name)
                with opener(path) as packed:
                    _copy(packed, file, max_bytes)
        except _BROKEN as error:
            raise MalformedList(f"it cannot be unpacked: {error}") from None
        file.flush()
        yield Path(file.name), name


def name_without_packing(name: str) -> str:
    """Return a file's name without the suffix of its compression."""
    suffix = PurePosixPath(name).suffix
    return name.removesuffix(suffix) if suffix.lower() in _SUFFIXES else name


def _unzip(path: Path, to: IO[bytes], max_bytes: int) -> str:
    """Write the one file of a zip, and return its name."""
    with zipfile.ZipFile(path) as archive:
        members = [
            one
            for one in archive.infolist()
            if not one.is_dir() and not one.filename.startswith("__MACOSX/")
        ]
        if len(members) != 1:
            raise MalformedList(f"the zip has {len(members)} files, and must have one")
        if members[0].flag_bits & 1:
            raise MalformedList("the zip is encrypted")
        try:
            with archive.open(members[0]) as packed:
                _copy(packed, to, max_bytes)
        except NotImplementedError:
            raise MalformedList("the zip is compressed in a way that is not known") from None
        return PurePosixPath(members[0].filename).name


def _copy(packed: _Readable, to: IO[bytes], max_bytes: int) -> None:
    size = 0
    while piece := packed.read(_PIECE_BYTES):
        size += len(piece)
        if size > max_bytes:
            raise MalformedList(f"it has more than {max_bytes} bytes when it is unpacked")
        to.write(piece)
