"""`assay aeonto …`: each endpoint of AEON.to from the command line."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import asdict
from decimal import Decimal
from typing import Annotated, Final, TypeVar

import typer

from app.cli.printing import print_record
from app.cli.running import run
from app.partners.aeonto.client import AeontoClient, open_aeonto
from app.partners.aeonto.fields import MAX_BTC
from app.partners.aeonto.report import Report
from app.partners.aeonto.wire import OrderParameters, PriceQuote
from app.partners.failures import PartnerFailure
from app.runtime import plain_text
from app.runtime.clock import Clock, SystemClock
from app.runtime.money import SATOSHI
from app.runtime.rate_limit.local import LocalRateLimiter
from app.runtime.rate_limit.rules import Bucket, Pace, Slot
from app.settings import Settings, load_settings

SLOT_WAIT_SECONDS: Final = 60.0

T = TypeVar("T", OrderParameters, PriceQuote, Report)


def _amount(text: str) -> Decimal:
    try:
        amount = plain_text.decimal_number(text)
    except ValueError as fault:
        raise typer.BadParameter(str(fault)) from None
    if amount <= 0 or amount > MAX_BTC or amount % SATOSHI:
        raise typer.BadParameter("must be positive, with at most 8 decimals")
    return amount


AmountBtc = Annotated[
    Decimal, typer.Argument(parser=_amount, metavar="AMOUNT_BTC", help="in BTC, such as 0.0005")
]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON alone, amounts as strings")]


def parameters(*, as_json: AsJson = False) -> None:
    """Show the price and the limits of new orders."""
    _run(
        Bucket.ORDER_PARAMETERS,
        lambda client, slot: client.order_parameter_query(slot=slot),
        as_json=as_json,
    )


def check_price(amount_btc: AmountBtc, *, as_json: AsJson = False) -> None:
    """Show what AMOUNT_BTC costs in AEON now."""
    _run(
        Bucket.ORDER_PRICE,
        lambda client, slot: client.order_check_price(amount_btc, slot=slot),
        as_json=as_json,
    )


def create(
    amount_btc: AmountBtc,
    address: Annotated[
        str, typer.Argument(metavar="ADDRESS", help="the bitcoin address to be paid")
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Create an order of AMOUNT_BTC to ADDRESS. Each call makes another one."""
    _run(
        Bucket.ORDER_CREATE,
        lambda client, slot: client.order_create(amount_btc, address, slot=slot),
        as_json=as_json,
    )


def create_pp(
    url: Annotated[str, typer.Argument(metavar="URL", help="a BIP 70 payment protocol URL")],
    *,
    as_json: AsJson = False,
) -> None:
    """Create an order from a payment protocol URL. Each call makes another one."""
    _run(
        Bucket.ORDER_CREATE,
        lambda client, slot: client.order_create_pp(url, slot=slot),
        as_json=as_json,
    )


def status(
    uuid: Annotated[str, typer.Argument(metavar="UUID", help="AEON.to's own id of the order")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show how the order UUID is doing."""
    _run(
        Bucket.ORDER_STATUS,
        lambda client, slot: client.order_status_query(uuid, slot=slot),
        as_json=as_json,
    )


@asynccontextmanager
async def _pace(settings: Settings, clock: Clock) -> AsyncIterator[Pace]:
    """Yield the pace that a server on the same database keeps, or else one of this command's own."""
    if settings.database.url is None and not settings.database.postgres_folder.exists():
        yield LocalRateLimiter(clock, rate_scale=settings.aeonto.rate_scale)
        return
    from app.cli.shared_pace import shared_pace  # noqa: PLC0415  only this needs SQLAlchemy

    async with shared_pace(settings, clock) as pace:
        yield pace


async def _ask(
    settings: Settings, bucket: Bucket, ask: Callable[[AeontoClient, Slot], Awaitable[T]]
) -> T | None:
    clock = SystemClock()
    async with (
        _pace(settings, clock) as pace,
        aclosing(open_aeonto(settings.aeonto.base_url)) as transport,
    ):
        slot = await pace.reserve(bucket, within_seconds=SLOT_WAIT_SECONDS)
        return await ask(AeontoClient(transport, pace=pace, clock=clock), slot) if slot else None


def _run(
    bucket: Bucket, ask: Callable[[AeontoClient, Slot], Awaitable[T]], *, as_json: bool
) -> None:
    """Ask once and print the answer; exit with 1 on a failure, with 2 on bad settings."""
    try:
        answer = run(lambda: _ask(load_settings(), bucket, ask))
    except PartnerFailure as failure:
        typer.echo(f"AEON.to: {failure}", err=True)
        raise typer.Exit(1) from None
    if answer is None:
        typer.echo("AEON.to's rate limit leaves no room for this request now", err=True)
        raise typer.Exit(1)
    said = asdict(answer)
    if not as_json:  # a table of what AEON.to said
        said = {name: value for name, value in said.items() if value is not None}
    print_record(said, as_json=as_json)
