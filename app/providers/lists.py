"""Reading sanctions lists from files, and finding an address in them.

Two published formats: `sanctioned_addresses_<ASSET>.txt` with one address per line, and OFAC's
`sdn_advanced.xml`. What an authority published is kept as it is, wrong asset or checksum and all.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.domain.addresses import AddressForm, check_address
from app.domain.risk import SANCTIONS
from app.providers.base import Source
from app.providers.ofac import MalformedList, OfacReader

SAMPLE_NAME: Final = "built-in sample, not a complete list"

_SAMPLE_FOLDER: Final = Path(__file__).parent / "data"
_TEXT_NAME: Final = re.compile(r"sanctioned_addresses_([A-Za-z0-9]+)\.txt")
_PIECE_BYTES: Final = 64 * 1024
_HEX: Final = re.compile(r"0[xX][0-9a-fA-F]+")
# Each asset whose addresses may be written in capitals as well, as QR codes like them.
_ONE_CASE_ASSETS: Final = ("BTC", "LTC", "BCH", "BNB")


class ListUnreadable(Exception):
    """A list cannot be used; the message names the file and what is wrong with it."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"sanctions list {path}: {reason}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """One address as a list has it; `party` is whose it is, where the list says so."""

    address: str
    asset: str
    party: str | None
    source: Source
    category: str = SANCTIONS


class SanctionsLists:
    """Every listed address, found by its text whatever asset it is filed under."""

    def __init__(
        self, sources: Sequence[Source], listings: Iterable[Listing], *, is_sample: bool
    ) -> None:
        self.sources = tuple(sources)
        self.is_sample = is_sample
        hashes = "".join(sorted(source.sha256 for source in self.sources))
        self.edition = hashlib.sha256(hashes.encode()).hexdigest()[:16]
        self._listings: dict[str, list[Listing]] = {}
        for listing in listings:
            self._listings.setdefault(_normalise(listing.address), []).append(listing)

    def __len__(self) -> int:
        """How many different addresses are listed."""
        return len(self._listings)

    def find(self, address: str) -> tuple[Listing, ...]:
        """Return every listing of an address; empty when there is none."""
        return tuple(self._listings.get(_normalise(address), ()))


def load_lists(paths: Sequence[Path]) -> SanctionsLists:
    """Read list files and folders of them; without any, the built-in sample.

    Blocks while it reads (an `sdn_advanced.xml` takes seconds). Raises ListUnreadable.
    """
    files = _find_files(paths or (_SAMPLE_FOLDER,))
    sources: list[Source] = []
    listings: list[Listing] = []
    for file in files:
        name = file.name if paths else f"{SAMPLE_NAME}: {file.name}"
        try:
            read = _read_text(file, name) if file.suffix == ".txt" else _read_ofac(file, name)
        except OSError as error:
            raise ListUnreadable(file, error.strerror or "cannot be read") from None
        except MalformedList as error:
            raise ListUnreadable(file, str(error)) from None
        sources.append(read[0])
        listings.extend(read[1])
    if not listings:
        raise ListUnreadable(files[0], "neither it nor any other list holds an address")
    return SanctionsLists(sources, listings, is_sample=not paths)


def _find_files(paths: Sequence[Path]) -> list[Path]:
    files: dict[Path, Path] = {}
    for path in paths:
        try:
            files.update((file.resolve(), file) for file in _expand(path))
        except OSError as error:
            raise ListUnreadable(path, error.strerror or "cannot be read") from None
    return list(files.values())


def _expand(path: Path) -> Iterator[Path]:
    if path.is_dir():
        found = sorted(
            file
            for pattern in ("sanctioned_addresses_*.txt", "sdn_advanced*.xml")
            for file in path.glob(pattern)
        )
        if not found:
            raise ListUnreadable(
                path, "it has no sanctioned_addresses_<ASSET>.txt and no sdn_advanced.xml"
            )
        yield from found
    elif path.suffix == ".xml" or _TEXT_NAME.fullmatch(path.name):
        yield path
    else:
        raise ListUnreadable(
            path, "its name must be sanctioned_addresses_<ASSET>.txt or end in .xml"
        )


def _read_text(file: Path, name: str) -> tuple[Source, list[Listing]]:
    match = _TEXT_NAME.fullmatch(file.name)
    if match is None:
        raise MalformedList("the asset in its name must be letters and digits")
    raw = file.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MalformedList("it is not UTF-8 text") from None
    addresses = [line.strip() for line in text.splitlines() if line.strip()]
    source = Source(
        name=name, issued=None, sha256=hashlib.sha256(raw).hexdigest(), entries=len(addresses)
    )
    return source, [
        Listing(address=address, asset=match[1], party=None, source=source) for address in addresses
    ]


def _read_ofac(file: Path, name: str) -> tuple[Source, list[Listing]]:
    reader, digest = OfacReader(), hashlib.sha256()
    with file.open("rb") as stream:
        while piece := stream.read(_PIECE_BYTES):
            digest.update(piece)
            reader.feed(piece)
    reader.close()
    source = Source(
        name=name,
        issued=reader.issued,
        sha256=digest.hexdigest(),
        entries=len(reader.entries),
    )
    return source, [
        Listing(address=entry.address, asset=entry.asset, party=entry.party, source=source)
        for entry in reader.entries
    ]


def _normalise(address: str) -> str:
    """Return the one spelling under which an address is filed and looked up.

    Hexadecimal addresses, and those of Bech32 and CashAddr, mean the same in either case; a
    Bitcoin Cash address means the same without its prefix. Anything else is taken as it is.
    """
    text = address.strip()
    if _HEX.fullmatch(text):
        return text.lower()
    if text == text.upper() and any(
        check_address(asset, text) is AddressForm.VALID for asset in _ONE_CASE_ASSETS
    ):
        text = text.lower()
    return text.removeprefix("bitcoincash:")
