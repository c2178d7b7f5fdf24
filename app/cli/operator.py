"""An operator's commands: users, access codes, keys, credits, orders, and the audit."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from app.cli.printing import AsJson, print_record, print_records
from app.cli.running import run, url_of, with_database
from app.db.engine import Database, create_database
from app.domain.actors import OPERATOR, Actor
from app.domain.security import PASSWORD_MAX_LENGTH, PASSWORD_MIN_LENGTH, new_id
from app.domain.states import OrderStatus
from app.observability.logging import configure_logging
from app.services import access_codes, accounts, api_keys, ledger, order_events, orders, settle
from app.services import audit as audits
from app.services.attention import needing_attention
from app.services.callers import Caller
from app.services.order_views import OrderView
from app.settings import Settings

user = typer.Typer(help="Users.", no_args_is_help=True)
access_code = typer.Typer(help="Access codes.", no_args_is_help=True)
api_key = typer.Typer(help="API keys.", no_args_is_help=True)
credit = typer.Typer(help="Credits.", no_args_is_help=True)
order = typer.Typer(help="Orders.", no_args_is_help=True)

_MAX_ORDERS: Final = 1000

ExpiresAt = Annotated[
    str | None, typer.Option(metavar="TIME", help="RFC 3339, such as 2030-01-31T12:00:00Z")
]
UserEmail = Annotated[str | None, typer.Option("--user", metavar="EMAIL", help="a user")]
CodeOption = Annotated[str | None, typer.Option("--access-code", metavar="CODE", help="a code")]
Work = Callable[[Database], Awaitable[Any]]


def with_operator_database(work: Work) -> Any:  # noqa: ANN401  whatever the work returns
    """Run work on the database that the settings name; return what it returns."""

    async def main() -> Any:  # noqa: ANN401
        settings = Settings.load()
        configure_logging(settings.log_format)
        async with with_database(settings) as complete:
            database = create_database(url_of(complete), pool_size=2, statement_timeout_seconds=0)
            try:
                return await work(database)
            finally:
                await database.dispose()

    return run(main)


def operator_actor() -> Actor:
    """Return who acts when a command is given, under an id of its own."""
    return Actor(OPERATOR, new_id("cli"))


def _now() -> datetime:
    return datetime.now(UTC)


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("--expires-at: not an RFC 3339 time") from None
    if time.tzinfo is None:
        raise typer.BadParameter("--expires-at: needs an offset, such as Z")
    return time.astimezone(UTC)


async def _account_id(connection: AsyncConnection, email: str | None, code: str | None) -> str:
    if email is not None:
        return await accounts.user_id_of(connection, email)
    return await access_codes.account_id_of(connection, code or "")


def _exactly_one(**options: object) -> None:
    given = [name for name, value in options.items() if value]
    if len(given) != 1:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in options)
        raise typer.BadParameter(f"give exactly one of {names}")


@user.command("create")
def create_user(
    email: Annotated[str, typer.Option()],
    password: Annotated[str, typer.Option(prompt=True, hide_input=True)],
    *,
    as_json: AsJson = False,
) -> None:
    """Make a user, also when registration is closed."""
    if not PASSWORD_MIN_LENGTH <= len(password) <= PASSWORD_MAX_LENGTH:
        raise typer.BadParameter(
            f"--password: needs {PASSWORD_MIN_LENGTH} to {PASSWORD_MAX_LENGTH} characters"
        )

    async def work(database: Database) -> accounts.NewUser:
        async with database.sessions() as session:
            return await accounts.register(
                session, email=email, password=password, actor=operator_actor(), now=_now()
            )

    print_record(asdict(with_operator_database(work)), as_json=as_json)


@access_code.command("create")
def create_access_code(
    issuer: Annotated[str, typer.Option(metavar="EMAIL", help="the user that issues it")],
    expires_at: ExpiresAt = None,
    credits_given: Annotated[
        int, typer.Option("--credits", min=0, help="credits to give it, as an adjustment")
    ] = 0,
    *,
    as_json: AsJson = False,
) -> None:
    """Issue an access code for a user."""
    expiry = _time(expires_at)

    async def work(database: Database) -> access_codes.CodeFacts:
        actor, now = operator_actor(), _now()
        async with database.reading() as connection:
            issuer_id = await accounts.user_id_of(connection, issuer)
        async with database.sessions() as session:
            code = await access_codes.create(
                session,
                issuer_id=issuer_id,
                expires_at=expiry,
                credits_moved=0,
                actor=actor,
                now=now,
            )
        async with database.reading() as connection:
            account_id = await access_codes.account_id_of(connection, code)
        if credits_given:
            async with database.sessions() as session:
                await ledger.adjust(
                    session,
                    account_id=account_id,
                    amount=credits_given,
                    reason="given at issue",
                    actor=actor,
                    at=now,
                )
        async with database.reading() as connection:
            owner = Caller.of_access_code(account_id, code)
            return await access_codes.facts(connection, caller=owner, access_code=code, now=now)

    code = with_operator_database(work)
    print_record(
        {
            "access_code": code.access_code,
            "affiliate_origin": code.affiliate_origin,
            "credits_available": code.credits_available,
            "expires_at": code.expires_at,
        },
        as_json=as_json,
    )


@api_key.command("create")
def create_api_key(
    email: UserEmail = None,
    code: CodeOption = None,
    unbound: Annotated[
        bool, typer.Option("--unbound", help="a valid key that identifies nobody")
    ] = False,
    expires_at: ExpiresAt = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Make an API key; it is shown only here."""
    _exactly_one(user=email, access_code=code, unbound=unbound)
    expiry = _time(expires_at)

    async def work(database: Database) -> api_keys.NewKey:
        async with database.reading() as connection:
            account_id = None if unbound else await _account_id(connection, email, code)
        async with database.sessions() as session:
            return await api_keys.create(
                session,
                account_id=account_id,
                expires_at=expiry,
                actor=operator_actor(),
                now=_now(),
            )

    key = with_operator_database(work)
    print_record({"api_key": key.text, "prefix": key.facts.prefix}, as_json=as_json)


@api_key.command("revoke")
def revoke_api_key(
    prefix: Annotated[str, typer.Argument(help="as `create` printed it")],
    *,
    as_json: AsJson = False,
) -> None:
    """Revoke an API key at once."""

    async def work(database: Database) -> api_keys.KeyFacts:
        async with database.sessions() as session:
            return await api_keys.revoke(
                session, prefix, owner=None, actor=operator_actor(), now=_now()
            )

    key = with_operator_database(work)
    print_record({"prefix": key.prefix, "revoked_at": key.revoked_at}, as_json=as_json)


@credit.command("adjust")
def adjust_credits(
    amount: Annotated[int, typer.Option(help="credits to add; negative to take")],
    reason: Annotated[str, typer.Option(help="kept in the ledger")],
    email: UserEmail = None,
    code: CodeOption = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Add or take credits of an account, with a reason."""
    _exactly_one(user=email, access_code=code)
    if not reason.strip():
        raise typer.BadParameter("--reason: needs a text")

    async def work(database: Database) -> int:
        async with database.reading() as connection:
            account_id = await _account_id(connection, email, code)
        async with database.sessions() as session:
            return await ledger.adjust(
                session,
                account_id=account_id,
                amount=amount,
                reason=reason,
                actor=operator_actor(),
                at=_now(),
            )

    print_record({"credits_available": with_operator_database(work)}, as_json=as_json)


def _record(found: OrderView) -> dict[str, Any]:
    fields = asdict(found)
    return {"order_id": fields.pop("id"), **fields}


@order.command("list")
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
            listed = await orders.list_all(connection, status=status, limit=limit)
            return [_record(one) for one in listed]

    told = ("order_id", "status", "number_of_credits", "created_at")
    print_records(
        with_operator_database(work),
        columns=(*told, "reason") if attention else told,
        as_json=as_json,
    )


@order.command("show")
def show_order(
    order_id: Annotated[str, typer.Argument(metavar="ORDER")], *, as_json: AsJson = False
) -> None:
    """Show an order, its payment and its history."""

    async def work(database: Database) -> dict[str, Any]:
        async with database.reading() as connection:
            found = await orders.read_any(connection, order_id)
            uuid, btc_dest_address = await orders.upstream_of(connection, order_id)
            history = await order_events.history(connection, order_id)
        return {
            **_record(found),
            "uuid": uuid,
            "btc_dest_address": btc_dest_address,
            "history": [asdict(event) for event in history],
        }

    print_record(with_operator_database(work), as_json=as_json)


@order.command("settle")
def settle_order(
    order_id: Annotated[str, typer.Argument(metavar="ORDER")],
    reason: Annotated[str, typer.Option(help="kept in the order's history")],
    grant: Annotated[bool, typer.Option("--grant", help="grant its credits")] = False,
    close: Annotated[bool, typer.Option("--close", help="end it without credits")] = False,
    *,
    as_json: AsJson = False,
) -> None:
    """End an order that AEON.to no longer answers for."""
    _exactly_one(grant=grant, close=close)
    if not reason.strip():
        raise typer.BadParameter("--reason: needs a text")

    async def work(database: Database) -> OrderStatus:
        async with database.sessions() as session:
            return await settle.settle(
                session, order_id, grant=grant, reason=reason, actor=operator_actor(), now=_now()
            )

    status = with_operator_database(work)
    print_record({"order_id": order_id, "status": status}, as_json=as_json)


def audit(*, as_json: AsJson = False) -> None:
    """Check the money rules on the database; exit with 1 if one is broken."""

    async def work(database: Database) -> tuple[list[audits.Breach], dict[str, int]]:
        async with database.reading() as connection:
            return await audits.breaches(connection), await audits.checked(connection)

    breaches, checked = with_operator_database(work)
    found = [asdict(breach) for breach in breaches]
    print_record({"breaches": found, "checked": checked}, as_json=as_json)
    if breaches:
        raise typer.Exit(1)
