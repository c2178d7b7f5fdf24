"""Sanctions lists in memory, read from files when a process starts."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.domain.addresses.spelling import one_spelling
from app.domain.risk import SANCTIONS
from app.providers.base import Source
from app.providers.list_files import ListUnreadable, read_list

SAMPLE_NAME: Final = "built-in sample, not a complete list"

_SAMPLE_FOLDER: Final = Path(__file__).parent / "data"


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
            self._listings.setdefault(one_spelling(listing.address), []).append(listing)

    def __len__(self) -> int:
        """How many different addresses are listed."""
        return len(self._listings)

    def find(self, address: str) -> tuple[Listing, ...]:
        """Return every listing of an address; empty when there is none."""
        return tuple(self._listings.get(one_spelling(address), ()))


def load_lists(paths: Sequence[Path]) -> SanctionsLists:
    """Read list files and folders of them; without any, the built-in sample.

    Blocks while it reads (an `sdn_advanced.xml` takes seconds). Raises ListUnreadable.
    """
    files = _find_files(paths or (_SAMPLE_FOLDER,))
    sources: list[Source] = []
    listings: list[Listing] = []
    for file in files:
        read = read_list(file)
        source = Source(
            name=file.name if paths else f"{SAMPLE_NAME}: {file.name}",
            issued=read.issued,
            sha256=read.sha256,
            entries=len(read.entries),
        )
        sources.append(source)
        listings.extend(
            Listing(
                address=entry.address, asset=entry.asset, party=entry.label or None, source=source
            )
            for entry in read.entries
        )
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
    if not path.is_dir():
        yield path
        return
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
