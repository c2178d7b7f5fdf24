"""Reading a list of addresses from a file, or from a folder of text files.

Four published formats: `sanctioned_addresses_<ASSET>.txt` with one address per line, OFAC's
`sdn_advanced.xml` and `sdn.xml`, and GraphSense tag packs. What an authority published is kept as
it is, wrong asset or checksum and all.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Final

from app.addresses import MAX_ADDRESS_LENGTH, AddressForm, check_address, currencies_of
from app.lists.parsers.archives import name_without_packing, unpacked
from app.lists.parsers.ofac import OfacReader
from app.lists.parsers.ofac_advanced import AdvancedReader
from app.lists.parsers.ofac_classic import ClassicReader
from app.lists.parsers.tag_packs import read_tag_pack
from app.lists.parsers.xml_records import MalformedList, root_of
from app.lists.rules.list_texts import addresses_in, visible
from app.lists.rules.listings import ListedAddress
from app.runtime.faults import OperatorFault

# Raise it when the same file gives other rows: then a file that has not changed is read again.
READING: Final = "5"
MAX_FILE_BYTES: Final = 512 * 1024 * 1024
_MAX_TAG_PACK_BYTES: Final = 64 * 1024 * 1024  # the largest that GraphSense publishes has 20 MB

_TEXT_NAME: Final = re.compile(r"sanctioned_addresses_([A-Za-z0-9]+)\.txt")
_TEXT_FILES: Final = "sanctioned_addresses_*.txt"
_TAG_PACK_SUFFIXES: Final = (".yaml", ".yml")
_PIECE_BYTES: Final = 64 * 1024
_HEAD_BYTES: Final = 1024
_HTML: Final = re.compile(
    rb"(\xef\xbb\xbf)?\s*(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body)\b", re.I | re.S
)
_NOT_ROWS: Final = ("#", "//", "<", "{", "[", "*")  # comments, web pages, JSON
_HEADING: Final = re.compile("[a-z_]*(?:address|addr|wallet|account)[a-z_]*", re.IGNORECASE)
_SHORTEST: Final = 20  # characters of an address of a currency whose forms are known
_SHOWN: Final = 60  # characters of a line that is no address
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
    folder, that of its manifest as sha256sum prints it, in the order of the names; of a compressed
    file, that of its content. `unread` are texts that speak of digital currency and were not
    understood, `unknown_concepts` counts tags by words that GraphSense's tree does not have.
    `cleaned` counts rows that were written otherwise,
    `lines` are those of the addresses of a text. `reading` says how its rows were made.
    """

    source: str
    issued: date | None
    sha256: str
    entries: list[ListedAddress]
    left_out: int = 0
    unread: tuple[str, ...] = ()
    unknown_concepts: Mapping[str, int] = field(default_factory=dict)
    cleaned: int = 0
    lines: Mapping[str, int] = field(default_factory=dict)
    reading: str = READING


def read_list(
    path: Path,
    name: str | None = None,
    *,
    shown: str | None = None,
    category: str | None = None,
) -> ListFile:
    """Read a file, or a folder of text files as one list; `name` is the file's, if it has another.

    Messages call it `shown`, or else by its path. `category` stands in the place of what a tag
    pack says. Blocks while it reads: an `sdn_advanced.xml` takes seconds. Raises ListUnreadable.
    """
    try:
        if path.is_dir():
            return _cleaned(_read_folder(path))
        return _cleaned(_read_file(path, name or path.name, category))
    except OSError as error:
        raise ListUnreadable(shown or path, error.strerror or "cannot be read") from None
    except MalformedList as error:
        raise ListUnreadable(shown or path, str(error)) from None


def is_list_name(name: str) -> bool:
    """Say whether a list may be called so."""
    plain = name_without_packing(name)
    return Path(plain).suffix.lower() in (".xml", *_TAG_PACK_SUFFIXES) or bool(
        _TEXT_NAME.fullmatch(plain)
    )


def _cleaned(read: ListFile) -> ListFile:
    """Return a list with its addresses as they are asked for, each in a row of its own."""
    entries, count = [], 0
    for entry in read.entries:
        addresses = addresses_in(entry.asset, entry.address)
        if addresses == (entry.address,):
            entries.append(entry)
        else:
            count += 1
            entries += [replace(entry, address=address) for address in addresses]
    for entry in entries:
        _refuse_unusable(entry)
    return replace(read, entries=entries, cleaned=read.cleaned + count)


def _read_folder(folder: Path) -> ListFile:
    files = sorted(folder.glob(_TEXT_FILES))
    if not files:
        raise MalformedList("the folder has no sanctioned_addresses_<ASSET>.txt")
    read = [_read_of_folder(file) for file in files]
    manifest = "".join(
        f"{one.sha256}  {file.name}\n" for one, file in zip(read, files, strict=True)
    )
    return ListFile(
        source=_TEXTS,
        issued=None,
        sha256=hashlib.sha256(manifest.encode()).hexdigest(),
        entries=[entry for one in read for entry in one.entries],
        cleaned=sum(one.cleaned for one in read),
    )


def _read_of_folder(file: Path) -> ListFile:
    try:
        return _read_file(file, file.name, None)
    except MalformedList as error:
        raise MalformedList(f"{file.name}: {error}") from None


def _read_file(file: Path, name: str, category: str | None) -> ListFile:
    if file.stat().st_size > MAX_FILE_BYTES:
        raise MalformedList(f"it has more than {MAX_FILE_BYTES} bytes")
    with unpacked(file, name, MAX_FILE_BYTES) as (plain, plain_name):
        suffix = Path(plain_name).suffix.lower()
        match = _TEXT_NAME.fullmatch(plain_name)
        if match is None and suffix not in (".xml", *_TAG_PACK_SUFFIXES):
            raise MalformedList(
                "its name must be sanctioned_addresses_<ASSET>.txt, the asset in letters and"
                " digits, or end in .xml or .yaml; it may come in gzip, bzip2, xz or zip"
            )
        _refuse_page(plain)
        if suffix in _TAG_PACK_SUFFIXES:
            return _read_tag_pack(plain, plain_name, category)
        if category is not None:
            raise MalformedList("it is no tag pack: a category can be given to those alone")
        return _read_text(plain, match[1].upper()) if match else _read_ofac(plain)


def _refuse_page(file: Path) -> None:
    """Refuse what servers answer in the place of a list: a web page, an empty file."""
    with file.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    if not head.strip():
        raise MalformedList("it is empty")
    if _HTML.match(head):
        raise MalformedList("line 1: it is a web page (HTML), not a list")


def _read_text(file: Path, asset: str) -> ListFile:
    raw = file.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MalformedList("it is not UTF-8 text") from None
    rows = [
        (number, line.strip(), address)
        for number, line in enumerate(text.splitlines(), 1)
        for address in _addresses_of_line(asset, line, number)
    ]
    _refuse_without_address(asset, (address for _, _, address in rows))
    return ListFile(
        source=f"{_TEXTS} {asset}",
        issued=None,
        sha256=hashlib.sha256(raw).hexdigest(),
        entries=[
            ListedAddress(address=address, asset=asset, category="sanctions")
            for _, _, address in rows
        ],
        cleaned=sum(line != address for _, line, address in rows),
        lines={address: number for number, _, address in reversed(rows)},
    )


def _addresses_of_line(asset: str, line: str, number: int) -> tuple[str, ...]:
    """Return the addresses of a line. Raises MalformedList for a line that is of something else."""
    if not visible(line):
        return ()
    addresses = addresses_in(asset, line)
    is_heading = bool(addresses) and _HEADING.fullmatch(addresses[0]) is not None
    is_word = any(_is_like_none(one) and _is_of_nothing(asset, one) for one in addresses)
    is_ruler = not _letters(visible(line))
    is_whole = _letters("".join(addresses)) >= _letters(visible(line))
    has_blank = any(" " in one for one in addresses)
    is_odd = line.lstrip().startswith(_NOT_ROWS) or is_heading or is_word or is_ruler
    if is_odd or has_blank or not is_whole:
        raise MalformedList(f"line {number} is no address, but {line.strip()[:_SHOWN]!r}")
    return addresses


def _letters(text: str) -> int:
    return sum(one.isalnum() for one in text)


def _is_like_none(row: str) -> bool:
    """Say whether a text is too short for an address, or has no digit, as words have none."""
    return len(row) < _SHORTEST or not any(one.isdigit() for one in row)


def _is_of_nothing(asset: str, row: str) -> bool:
    return check_address(asset, row) is AddressForm.INVALID and not currencies_of(row)


def _refuse_without_address(asset: str, rows: Iterable[str]) -> None:
    """Refuse a text of which no line is an address: servers say `Forbidden` in one word.

    Where no address of the asset can be checked, a word is one of letters alone.
    """
    if all(_is_of_nothing(asset, row) or row.isalpha() for row in rows):
        raise MalformedList(f"line 1: no line of it is an address of {asset}")


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
        source=_OFAC,
        issued=reader.issued,
        sha256=digest.hexdigest(),
        entries=reader.entries,
        unread=tuple(dict.fromkeys(reader.unread)),
    )


def _ofac_reader(root: str) -> OfacReader:
    if root == ClassicReader.ROOT:
        return ClassicReader()
    return AdvancedReader()


def _read_tag_pack(file: Path, name: str, category: str | None) -> ListFile:
    if file.stat().st_size > _MAX_TAG_PACK_BYTES:
        raise MalformedList(f"it has more than {_MAX_TAG_PACK_BYTES} bytes")
    raw = file.read_bytes()
    pack = read_tag_pack(raw, category)
    return ListFile(
        source=f"GraphSense {Path(name).stem}",
        issued=pack.issued,
        sha256=hashlib.sha256(raw).hexdigest(),
        entries=pack.entries,
        left_out=pack.left_out,
        unknown_concepts=pack.unknown_concepts,
        reading=reading_of(category),
    )


def reading_of(category: str | None) -> str:
    """Say how rows are made of a file, given the category that stands in the place of its own."""
    return READING if category is None else f"{READING} as {category}"


def _refuse_unusable(entry: ListedAddress) -> None:
    if len(entry.address) > MAX_ADDRESS_LENGTH:
        raise MalformedList(f"one of its addresses has more than {MAX_ADDRESS_LENGTH} characters")
    if any("\0" in text for text in (entry.address, entry.asset, entry.label, entry.reference)):
        raise MalformedList("one of its texts has a zero byte")
