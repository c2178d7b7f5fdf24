"""`assay audit`: the money rules, checked on a live database, and breaches that may stay."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from app import audit as audits
from app.cli.operator import operator_actor, with_operator_database
from app.cli.printing import AsJson, print_record
from app.runtime.db.engine import Database


def audit(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Check the money rules on the database; exit with 1 if one is broken.

    `acknowledged` are breaches of earlier versions that an operator looked into; they do not change
    the exit status. `doubtful` are grants of an earlier version that a migration found to be maybe
    wrong.
    """
    if context.invoked_subcommand is not None:
        if as_json:
            raise typer.BadParameter(f"--json goes after {context.invoked_subcommand}")
        return

    async def work(database: Database) -> dict[str, Any]:
        async with database.reading() as connection:
            findings = await audits.examine(connection)
            doubtful = await audits.doubtful(connection)
            return {
                "breaches": [_open_breach(breach) for breach in findings.open],
                "acknowledged": [asdict(one) for one in findings.acknowledged],
                "doubtful": [asdict(doubt) for doubt in doubtful],
                "checked": await audits.checked(connection),
            }

    found = with_operator_database(work)
    print_record(found, as_json=as_json)
    if found["breaches"]:
        raise typer.Exit(1)


def acknowledge(
    key: Annotated[
        str, typer.Argument(metavar="RULE", help="the acknowledge_as that `assay audit` prints")
    ],
    subject: Annotated[
        str, typer.Argument(metavar="ORDER", help="the subject that `assay audit` prints with it")
    ],
    reason: Annotated[str, typer.Option(help="kept in the order's history")],
    *,
    as_json: AsJson = False,
) -> None:
    """Let a breach of an earlier version stay, with a reason; `assay audit` then lists it apart.

    Only money_before_order, output_of_two_orders and grant_not_told can be acknowledged, and only of an order that
    breaks them now. It can not be taken back.
    """
    if not reason.strip():
        raise typer.BadParameter("--reason: needs a text")

    async def work(database: Database) -> audits.Breach:
        async with database.sessions() as session:
            return await audits.acknowledge(
                session,
                key,
                subject,
                reason=reason,
                actor=operator_actor(),
                now=database.clock.now(),
            )

    breach = with_operator_database(work)
    print_record({**asdict(breach), "reason": reason}, as_json=as_json)


def _open_breach(breach: audits.Breach) -> dict[str, Any]:
    key = audits.key_of(breach.rule)
    return asdict(breach) if key is None else {**asdict(breach), "acknowledge_as": key}
