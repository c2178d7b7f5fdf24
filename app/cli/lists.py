"""An operator's commands for lists of addresses: import them, see them, check that they work."""

import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from app.assessments.rules.risk_words import category_words
from app.cli.operator import operator_actor, with_operator_database
from app.cli.printing import AsJson, print_record, print_records
from app.lists.download import download, is_url, origin_of
from app.lists.importing import Import, Imported, import_list
from app.lists.lookup import Lists
from app.lists.parsers.files import ListFile, read_list, reading_of
from app.lists.rules.listings import ListedAddress
from app.lists.rules.risk import CATEGORIES, SANCTIONS, SCOPE
from app.lists.selfcheck import (
    AssetCheck,
    RandomCheck,
    check_assets,
    check_random,
    dated_in_future,
)
from app.lists.versions import etag_of, history
from app.runtime import plain_text
from app.runtime.db.engine import Database
from app.settings import load_settings

_SHOWN: Final = 20  # misfiled rows in the record of an import
_DAY: Final = "YYYY-MM-DD"
_BITCOIN: Final = frozenset({"BTC", "XBT"})


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return plain_text.day(text)
    except ValueError as fault:
        raise typer.BadParameter(str(fault)) from None


async def _read(
    database: Database, place: str, category: str | None, user_agent: str | None
) -> tuple[ListFile | None, str | None]:
    """Return what a path or URL has, and its ETag; None when the newest version is from it."""
    if not is_url(place):
        return read_list(Path(place), category=category), None
    origin = origin_of(place)
    async with database.reading() as connection:
        known = await etag_of(connection, origin, reading_of(category))
    with tempfile.NamedTemporaryFile() as file:
        fetched = await download(place, file, known=known, user_agent=user_agent)
        if fetched is None:
            return None, known
        read = read_list(Path(file.name), fetched.name, shown=origin, category=category)
        return read, fetched.etag


def _record(imported: Imported, file: ListFile) -> Mapping[str, Any]:
    version = imported.version
    return {
        "source": version.source,
        "version": version.number,
        "is_new": imported.is_new,
        "issued": version.issued,
        "sha256": version.sha256,
        "entries": version.entries,
        "added": imported.added,
        "removed": imported.removed,
        "assets": imported.assets,
        "unknown_assets": imported.unknown_assets,
        "misfiled": len(imported.misfiled),
        "misfiled_rows": _shown(imported.misfiled),
        "unaskable": len(imported.unaskable),
        "unaskable_rows": _shown(imported.unaskable),
        "cleaned": file.cleaned,
        "left_out": file.left_out,
        "unread": list(file.unread),
        "unknown_concepts": dict(file.unknown_concepts),
    }


def _unheard(entries: Sequence[ListedAddress], providers: Collection[str]) -> str | None:
    """Say which rows no provider that is named looks at; None when each is looked at."""
    if "tags" in providers:
        return None
    others = [entry for entry in entries if entry.category != SANCTIONS]
    if "exposure" in providers:
        others = [entry for entry in others if entry.asset not in _BITCOIN]
    if not others:
        return None
    words = ", ".join(sorted({category_words(entry.category) for entry in others}))
    return (
        f"warning: {len(others)} of its rows say other things than sanctions ({words}); no provider"
        " of ASSAY_RISK_PROVIDER looks at those when their addresses are asked about: add `tags`"
    )


def _shown(rows: Sequence[ListedAddress]) -> list[str]:
    return [f"{row.asset} {row.address}" for row in rows[:_SHOWN]]


def _category(word: str | None) -> str | None:
    if word is None or word in CATEGORIES.keys() - {SCOPE}:
        return word
    allowed = ", ".join(sorted(CATEGORIES.keys() - {SCOPE}))
    raise typer.BadParameter(f"{word!r} is none of: {allowed}")


ConfirmShrink = Annotated[
    bool, typer.Option("--confirm-shrink", help="take a list that lost many rows")
]
ConfirmChurn = Annotated[
    bool, typer.Option("--confirm-churn", help="take a list with others for many of its rows")
]
ConfirmMisfiled = Annotated[
    bool, typer.Option("--confirm-misfiled", help="take a list with many rows of another asset")
]
ConfirmUnread = Annotated[
    bool, typer.Option("--confirm-unread", help="take a list without what is not understood")
]
PathOrUrl = Annotated[
    str, typer.Argument(metavar="PATH_OR_URL", help="a file, a folder of text files, a URL")
]
SourceName = Annotated[
    str | None, typer.Option(help="the list's name, if not what its format calls it")
]
Issued = Annotated[
    str | None, typer.Option(metavar=_DAY, help="the list's date, if it says none itself")
]
PackCategory = Annotated[
    str | None, typer.Option(help="of a tag pack: what all its addresses are, as in scam")
]


def import_command(
    place: PathOrUrl,
    source: SourceName = None,
    issued: Issued = None,
    category: PackCategory = None,
    *,
    confirm_shrink: ConfirmShrink = False,
    confirm_churn: ConfirmChurn = False,
    confirm_misfiled: ConfirmMisfiled = False,
    confirm_unread: ConfirmUnread = False,
    as_json: AsJson = False,
) -> None:
    """Import a list as the next version of its source, unless it has not changed.

    Exits with 1 if it is refused, or has rows of sanctions that no question can hit.
    """
    day, ours = _day(issued), _category(category)

    async def work(database: Database) -> Mapping[str, Any]:
        settings = load_settings()
        file, etag = await _read(database, place, ours, settings.lists.user_agent)
        if file is None:
            return {"origin": origin_of(place), "is_new": False}
        asked = Import(
            file=file,
            origin=origin_of(place) if is_url(place) else place,
            etag=etag,
            source=source,
            issued=day,
            confirm_shrink=confirm_shrink,
            confirm_churn=confirm_churn,
            confirm_misfiled=confirm_misfiled,
            confirm_unread=confirm_unread,
        )
        imported = await import_list(
            database,
            asked,
            max_shrink=settings.lists.max_shrink,
            actor=operator_actor(),
            now=database.clock.now(),
        )
        if warning := _unheard(file.entries, settings.assessments.risk_providers):
            typer.echo(warning, err=True)
        return _record(imported, file)

    record = with_operator_database(work)
    print_record(record, as_json=as_json)
    if record.get("unaskable"):
        typer.echo("rows of sanctions that no question can hit, see unaskable_rows", err=True)
        raise typer.Exit(1)


def show(*, as_json: AsJson = False) -> None:
    """Show every version of every list, and what it changed."""

    async def work(database: Database) -> list[dict[str, Any]]:
        async with database.reading() as connection:
            found = await history(connection)
        return [
            {
                "source": facts.version.source,
                "version": facts.version.number,
                "issued": facts.version.issued,
                "effective_on": facts.version.effective_on,
                "imported_at": facts.version.imported_at,
                "entries": facts.version.entries,
                "added": facts.added,
                "removed": facts.removed,
                "assets": facts.assets,
                "sha256": facts.version.sha256,
                "origin": facts.origin,
            }
            for facts in found
        ]

    columns = ("source", "version", "effective_on", "entries", "added", "removed", "sha256")
    print_records(with_operator_database(work), columns=columns, as_json=as_json)


def check(
    as_of: Annotated[
        str | None, typer.Option(metavar=_DAY, help="check what was in force on that day")
    ] = None,
    random: Annotated[
        int, typer.Option(min=0, metavar="N", help="random addresses of each kind to look up")
    ] = 1000,
    *,
    as_json: AsJson = False,
) -> None:
    """Look up every listed address, every one no longer listed, and random ones.

    Exits with 1 if one is not found that must be, or found that must not, or if a list is dated in
    the future.
    """
    day = _day(as_of)

    async def work(
        database: Database,
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, date], bool]:
        finder = Lists(database, database.clock)
        assets = await check_assets(database, finder, day)
        kinds = await check_random(finder, random)
        early = await dated_in_future(finder, database.clock.now().date())
        is_right = all(one.is_right for one in assets) and not any(one.false_hits for one in kinds)
        found, wrongly = [asdict(one) for one in assets], [asdict(one) for one in kinds]
        return found, wrongly, early, is_right and not early

    assets, kinds, early, is_right = with_operator_database(work)
    if as_json:
        record = {"assets": assets, "random": kinds, "dated_in_future": early}
        print_record({**record, "is_right": is_right}, as_json=True)
    else:
        for (source, number), rows in groupby(assets, itemgetter("source", "number")):
            typer.echo(f"{source}, version {number}")
            columns = tuple(AssetCheck.__dataclass_fields__)[2:]
            print_records(list(rows), columns=columns, as_json=False)
        columns = tuple(RandomCheck.__dataclass_fields__)
        print_records(kinds, columns=columns, as_json=False)
    for source, day in early.items():
        typer.echo(f"{source} is dated {day}, which is in the future", err=True)
    if not is_right:
        raise typer.Exit(1)
