"""An operator's hand on the wallet: which addresses it hands out, and which are left out."""

from typing import Annotated, Any, Final

import typer

from app.cli.operator import operator_actor, with_operator_database
from app.cli.printing import AsJson, print_record, print_records
from app.cli.running import run
from app.orders import address_checks, addresses
from app.orders.wallet.wallet import MAX_INDEX, Wallet
from app.resources import READ_AS_WPKH, wallet_of
from app.runtime.db.engine import Database
from app.runtime.faults import OperatorFault
from app.settings import ConfigurationError, load_settings

_MAX_SHOWN = 1000
_WHY: Final = {
    "used": "money was there before any order",
    "destination": "AEON.to pays there",
}


def show_addresses(
    first: Annotated[int, typer.Option(min=1, max=_MAX_SHOWN, help="how many")] = 5,
    start: Annotated[int, typer.Option("--from", min=0, max=MAX_INDEX, help="first index")] = 0,
    *,
    as_json: AsJson = False,
) -> None:
    """Show what ASSAY_BITCOIN_DESCRIPTOR hands out, to be compared with the wallet. No database."""

    async def main() -> list[dict[str, object]]:
        wallet = _wallet()
        if wallet.kind_assumed:
            typer.echo(READ_AS_WPKH, err=True)
        indexes = range(start, min(start + first, MAX_INDEX + 1))
        return [{"index": index, "address": wallet.address(index)} for index in indexes]

    print_records(run(main), columns=("index", "address"), as_json=as_json)


def show_passed_over(*, as_json: AsJson = False) -> None:
    """Show the addresses that no order gets, why, and what money was there."""

    async def work(database: Database) -> list[dict[str, Any]]:
        async with database.reading() as connection:
            found = await address_checks.passed_over(connection)
        return [{**one, "why": _WHY[one["reason"]]} for one in found]

    columns = ("index", "address", "why", "received_btc", "found_at")
    print_records(with_operator_database(work), columns=columns, as_json=as_json)


def advance(
    to: Annotated[int, typer.Option(min=0, max=MAX_INDEX, help="the index of the next address")],
    *,
    as_json: AsJson = False,
) -> None:
    """Leave out the addresses before an index, as after a restore from a backup.

    It never goes back: an index that is not later than the next one is refused, with the next one.
    """

    async def work(database: Database) -> dict[str, Any]:
        wallet = _wallet()
        async with database.sessions() as session:
            before = await addresses.advance(
                session, wallet, to, actor=operator_actor(), now=database.clock.now()
            )
        if before >= to:
            raise OperatorFault(
                f"--to: must be more than {before}, the index of the next address; nothing is changed"
            )
        return {
            "wallet": wallet.wallet_id,
            "next_index_before": before,
            "next_index": to,
            "left_out": to - before,
        }

    print_record(with_operator_database(work), as_json=as_json)


def _wallet() -> Wallet:
    wallet = wallet_of(load_settings())
    if wallet is None:
        raise ConfigurationError("ASSAY_BITCOIN_DESCRIPTOR: required")
    return wallet
