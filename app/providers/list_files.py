"""Reading a list of addresses from a file, or from a folder of text files.

Four published formats: `sanctioned_addresses_<ASSET>.txt` with one address per line, OFAC's
`sdn_advanced.xml` and `sdn.xml`, and GraphSense tag packs. What an authority published is kept as
it is, wrong asset or checksum and all.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from app.domain.addresses import MAX_ADDRESS_LENGTH
from app.domain.faults import OperatorFault
from app.domain.listings import ListedAddress
from app.providers.ofac import OfacReader
from app.providers.ofac_advanced import AdvancedReader
from app.providers.ofac_classic import ClassicReader
from app.providers.tag_packs import read_tag_pack
from app.providers.xml_records import MalformedList, root_of

# Raise it when the same file gives other rows: then a file that has not changed is read again.
READING: Final = "2"
MAX_FILE_BYTES: Final = 512 * 1024 * 1024
_MAX_TAG_PACK_BYTES: Final = 64 * 1024 * 1024  # the largest that GraphSense publishes has 20 MB

_TEXT_NAME: Final = re.compile(r"sanctioned_addresses_([A-Za-z0-9]+)\.txt")
_TEXT_FILES: Final = "sanctioned_addresses_*.txt"
_TAG_PACK_SUFFIXES: Final = (".yaml", ".yml")
_PIECE_BYTES: Final = 64 * 1024
_OFAC: Final = "OFAC SDN"
_TEXTS: Final = "sanctioned addresses"


class ListUnreadable(OperatorFault):
    """A list cannot be used; the message names the file and what is wrong with it."""

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(f"list {path}: {reason}")


@dataclass(frozen=True, kw_only=True)
class ListFile:
    """What a file or folder says. `left_out` counts rows that are of no address, as tags can be.

    `source` is what its format calls the list by default. `sha256` is the file's own; of a
    folder, that of its manifest as sha256sum prints it, in the order of the names. `reading` says
    how its rows were made.
    """

    source: str
    issued: date | None
    sha256: str
    entries: list[ListedAddress]
    left_out: int = 0
    reading: str = READING


def read_list(path: Path, name: str | None = None) -> ListFile:
    """Read a file, or a folder of text files as one list; `name` is the file's, if it has another.

    Blocks while it reads: an `sdn_advanced.xml` takes seconds. Raises ListUnreadable.
    """
    name = name or path.name
    try:
        read = _read_folder(path) if path.is_dir() else _read_file(path, name)
        for entry in read.entries:
            _refuse_unusable(entry)
    except OSError as error:
        raise ListUnreadable(path, error.strerror or "cannot be read") from None
    except MalformedList as error:
        raise ListUnreadable(path, str(error)) from None
    return read


def _read_folder(folder: Path) -> ListFile:
    files = sorted(folder.glob(_TEXT_FILES))
    if not files:
        raise MalformedList("the folder has no sanctioned_addresses_<ASSET>.txt")
    read = [_read_text(file, file.name) for file in files]
    manifest = "".join(
        f"{one.sha256}  {file.name}\n" for one, file in zip(read, files, strict=True)
    )
    return ListFile(
        source=_TEXTS,
        issued=None,
        sha256=hashlib.sha256(manifest.encode()).hexdigest(),
        entries=[entry for one in read for entry in one.entries],
    )


def _read_file(file: Path, name: str) -> ListFile:
    if file.stat().st_size > MAX_FILE_BYTES:
        raise MalformedList(f"it has more than {MAX_FILE_BYTES} bytes")
    suffix = Path(name).suffix.lower()
    if suffix == ".xml":
        return _read_ofac(file)
    if suffix in _TAG_PACK_SUFFIXES:
        return _read_tag_pack(file, name)
    return _read_text(file, name)


def _read_text(file: Path, name: str) -> ListFile:
    match = _TEXT_NAME.fullmatch(name)
    if match is None:
        raise MalformedList(
            "its name must be sanctioned_addresses_<ASSET>.txt, the asset in letters and digits,"
            " or end in .xml or .yaml"
        )
    raw = file.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MalformedList("it is not UTF-8 text") from None
    asset = match[1].upper()
    return ListFile(
        source=f"{_TEXTS} {asset}",
        issued=None,
        sha256=hashlib.sha256(raw).hexdigest(),
        entries=[
            ListedAddress(address=line.strip(), asset=asset, category="sanctions")
            for line in text.splitlines()
            if line.strip()
        ],
    )


def _read_ofac(file: Path) -> ListFile:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        piece = stream.read(_PIECE_BYTES)
        reader = _ofac_reader(root_of(piece))
        while piece:
            digest.update(piece)
            reader.feed(piece)
            piece = stream.read(_PIECE_BYTES)
    reader.close()
    return ListFile(
        source=_OFAC, issued=reader.issued, sha256=digest.hexdigest(), entries=reader.entries
    )


def _ofac_reader(root: str) -> OfacReader:
    if root == ClassicReader.ROOT:
        return ClassicReader()
    return AdvancedReader()


def _read_tag_pack(file: Path, name: str) -> ListFile:
    if file.stat().st_size > _MAX_TAG_PACK_BYTES:
        raise MalformedList(f"it has more than {_MAX_TAG_PACK_BYTES} bytes")
    raw = file.read_bytes()
    issued, entries, left_out = read_tag_pack(raw)
    return ListFile(
        source=f"GraphSense {Path(name).stem}",
        issued=issued,
        sha256=hashlib.sha256(raw).hexdigest(),
        entries=entries,
        left_out=left_out,
    )


def _refuse_unusable(entry: ListedAddress) -> None:
    if len(entry.address) > MAX_ADDRESS_LENGTH:
        raise MalformedList(f"one of its addresses has more than {MAX_ADDRESS_LENGTH} characters")
    if any("\0" in text for text in (entry.address, entry.asset, entry.label, entry.reference)):
        raise MalformedList("one of its texts has a zero byte")
