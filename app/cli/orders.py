"""`assay orders list|show|cancel|settle|limit`: orders of all accounts."""

from dataclasses import asdict
from typing import Annotated, Any, Final

import typer

from app.cli.operator import (
    CodeOption,
    UserEmail,
    account_id_of,
    operator_actor,
    require_one,
    with_operator_database,
)
from app.cli.printing import AsJson, print_record, print_records
from app.orders import cancel, events, open_orders, operator, service
from app.orders.discrepancies import needing_attention
from app.orders.queries import OrderView
from app.orders.rules.bitcoin_payments import Valuation
from app.orders.rules.states import OrderStatus
from app.runtime.db.engine import Database
from app.runtime.money import in_satoshi
from app.settings import load_settings

_MAX_ORDERS: Final = 1000
_MAX_OPEN_ORDERS: Final = 1_000_000


def _record(found: OrderView) -> dict[str, Any]:
    fields = asdict(found)
    if fields["payment"] is not None:
        fields["payment"] = {"state": found.status, **fields["payment"]}
    return {"order_id": fields.pop("id"), **fields}


def _valuation() -> Valuation:
    """Return what late money buys, as the API would say it of an order that ends now."""
    settings = load_settings()
    return Valuation(
        price_satoshi=in_satoshi(settings.orders.credit_price_btc),
        excess_to_credits=settings.bitcoin.descriptor is not None
        and settings.bitcoin.excess_to_credits,
    )


def list_orders(
    status: Annotated[OrderStatus | None, typer.Option(help="only those in this state")] = None,
    limit: Annotated[int, typer.Option(min=1, max=_MAX_ORDERS)] = 50,
    attention: Annotated[
        bool, typer.Option("--attention", help="only those where money and status differ")
    ] = False,
    *,
    as_json: AsJson = False,
) -> None:
    """List orders of all accounts, newest first."""
    if attention and status is not None:
        raise typer.BadParameter("--attention goes without --status")

    async def work(database: Database) -> list[dict[str, Any]]:
        async with database.reading() as connection:
            if attention:
                found = await needing_attention(connection, limit=limit)
                return [{**_record(one), "reason": reason} for one, reason in found]
            listed = await service.list_all(connection, status=status, limit=limit)
            return [_record(one) for one in listed]

    told = ("order_id", "status", "number_of_credits", "created_at")
    print_records(
        with_operator_database(work),
        columns=(*told, "reason") if attention else told,
        as_json=as_json,
    )


def show_order(
    order_id: Annotated[str, typer.Argument(metavar="ORDER")], *, as_json: AsJson = False
) -> None:
    """Show an order, its payment and its history."""

    async def work(database: Database) -> dict[str, Any]:
        async with database.reading() as connection:
            found = await service.read_any(connection, order_id)
            uuid, btc_dest_address = await service.upstream_of(connection, order_id)
            history = await events.history(connection, order_id)
        return {
            **_record(found),
            "uuid": uuid,
            "btc_dest_address": btc_dest_address,
            "history": [asdict(event) for event in history],
        }

    print_record(with_operator_database(work), as_json=as_json)


def cancel_order(
    order_id: Annotated[str, typer.Argument(metavar="ORDER")],
    reason: Annotated[str, typer.Option(help="kept in the order's history")],
    *,
    as_json: AsJson = False,
) -> None:
    """Cancel an order that nobody paid; money that still comes is seen, and counts."""
    if not reason.strip():
        raise typer.BadParameter("--reason: needs a text")

    async def work(database: Database) -> OrderStatus:
        async with database.sessions() as session:
            return await cancel.cancel_any(
                session,
                order_id,
                reason=reason,
                actor=operator_actor(),
                valuation=_valuation(),
                now=database.clock.now(),
            )

    status = with_operator_database(work)
    print_record({"order_id": order_id, "status": status}, as_json=as_json)


def settle_order(
    order_id: Annotated[str, typer.Argument(metavar="ORDER")],
    reason: Annotated[str, typer.Option(help="kept in the order's history")],
    grant: Annotated[bool, typer.Option("--grant", help="grant its credits")] = False,
    close: Annotated[bool, typer.Option("--close", help="end it without credits")] = False,
    *,
    as_json: AsJson = False,
) -> None:
    """End an order that AEON.to no longer answers for."""
    require_one(grant=grant, close=close)
    if not reason.strip():
        raise typer.BadParameter("--reason: needs a text")

    async def work(database: Database) -> OrderStatus:
        async with database.sessions() as session:
            return await operator.resolve(
                session,
                order_id,
                grant=grant,
                reason=reason,
                actor=operator_actor(),
                valuation=_valuation(),
                now=database.clock.now(),
            )

    status = with_operator_database(work)
    print_record({"order_id": order_id, "status": status}, as_json=as_json)


def limit_orders(
    email: UserEmail = None,
    code: CodeOption = None,
    limit: Annotated[
        int | None,
        typer.Option("--max", min=0, max=_MAX_OPEN_ORDERS, help="so many; 0 for any number"),
    ] = None,
    default: Annotated[
        bool,
        typer.Option(
            "--default",
            help="as every other account: ASSAY_MAX_OPEN_ORDERS, of which a code shares its issuer's",
        ),
    ] = False,
    *,
    as_json: AsJson = False,
) -> None:
    """Set how many unpaid orders one account may have open at once."""
    require_one(user=email, access_code=code)
    require_one(max=limit is not None, default=default)

    async def work(database: Database) -> None:
        async with database.reading() as connection:
            account_id = await account_id_of(connection, email, code)
        async with database.sessions() as session:
            await open_orders.set_limit(
                session, account_id, limit, actor=operator_actor(), now=database.clock.now()
            )

    with_operator_database(work)
    print_record({"max_open_orders": limit}, as_json=as_json)
