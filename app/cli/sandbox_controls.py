"""`assay sandbox pay|confirm|send|…`: what happens to one order in a running SANDBOX, step by step."""

from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Annotated, Any, Final

import typer

from app.cli.operator import with_operator_database
from app.cli.sandbox_client import SandboxClient, SandboxRefused, url_in
from app.cli.sandbox_orders import SandboxOrder, end_time, read_order
from app.orders.rules.rails import Rail
from app.runtime import plain_text
from app.runtime.money import SATOSHI, plain
from app.settings import load_settings

OrderId = Annotated[str, typer.Argument(metavar="ORDER", help="its id in Assay, ord_…")]
Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        help="the SANDBOX; none: that of the running `assay dev`, or else http://127.0.0.1:8100/",
    ),
]
# Where coins go that do not pay the order after all: the address of bitcoin's first block.
_ELSEWHERE: Final = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
_BLOCK_SECONDS: Final = 5.0


class Switch(StrEnum):
    """Whether orders are paid by themselves."""

    ON = "on"
    OFF = "off"


class Fate(StrEnum):
    """What becomes of the transactions of blocks that are replaced."""

    MEMPOOL = "mempool"
    MINED = "mined"
    VANISH = "vanish"


def _client(url: str | None) -> SandboxClient:
    return SandboxClient(url or url_in(load_settings().database.data_dir))


def _order(order_id: str) -> SandboxOrder:
    found: SandboxOrder = with_operator_database(lambda database: read_order(database, order_id))
    return found


def _amount(text: str | None, option: str) -> Decimal | None:
    """Read an amount of coin. Raises BadParameter."""
    if text is None:
        return None
    try:
        amount = plain_text.decimal_number(text)
    except (ValueError, InvalidOperation):
        amount = Decimal(0)
    if amount <= 0:
        raise typer.BadParameter(f"{option}: must be an amount above 0, such as 0.002")
    return amount


def _say_state(order: SandboxOrder, answer: Any) -> None:  # noqa: ANN401  any JSON
    typer.echo(f"{order.id}: AEON.to says {answer['order']['state']}")


def pay(
    order_id: OrderId,
    part: Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="pay so much, and not all that remains")
    ] = None,
    excess: Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="pay all that remains, and so much more")
    ] = None,
    late: Annotated[
        bool, typer.Option("--late", help="in AEON: AEON.to honours it after the time is over")
    ] = False,
    url: Url = None,
) -> None:
    """Pay an order in its coin: all that remains, a part of it, or more."""
    if part is not None and excess is not None:
        raise typer.BadParameter("--part and --excess do not go together")
    wanted, more = _amount(part, "--part"), _amount(excess, "--excess")
    sandbox, order = _client(url), _order(order_id)
    if order.rail is Rail.AEONTO:
        uuid = order.known_uuid()
        if more is not None:
            remaining = sandbox.read(f"control/orders/{uuid}")["order"]["remaining_amount_incoming"]
            wanted = Decimal(remaining) + more
        amount = None if wanted is None else plain(wanted)
        _say_state(order, sandbox.press(f"orders/{uuid}/pay", amount=amount, late=late))
        return
    if late:
        raise typer.BadParameter("--late: in bitcoin a late payment needs no permission")
    satoshi = order.missing_satoshi + int((more or 0) / SATOSHI)
    if wanted is not None:
        satoshi = int(wanted / SATOSHI)
    if not satoshi:
        raise SandboxRefused(f"{order.id}: nothing remains to be paid; --part names an amount")
    sent = sandbox.press("chain/send", address=order.known_address(), satoshi=satoshi)
    typer.echo(f"{order.id}: {plain(satoshi * SATOSHI)} BTC in transaction {sent['txid']}")


def confirm(
    order_id: OrderId,
    count: Annotated[int, typer.Option(min=1, max=1000, help="so many confirmations")] = 1,
    url: Url = None,
) -> None:
    """Confirm the payment of an order: in AEON at AEON.to, in bitcoin by blocks."""
    sandbox, order = _client(url), _order(order_id)
    if order.rail is Rail.AEONTO:
        uuid = order.known_uuid()
        _say_state(order, sandbox.press(f"orders/{uuid}/confirm", count=count))
        return
    order.known_address()
    _mine(sandbox, count)


def send(order_id: OrderId, url: Url = None) -> None:
    """Let AEON.to send the bitcoin of an order in AEON that is paid."""
    sandbox, order = _client(url), _order(order_id)
    _say_state(order, sandbox.press(f"orders/{order.known_uuid()}/send"))


def expire(
    order_id: OrderId,
    grace: Annotated[
        bool, typer.Option("--grace", help="in bitcoin: end the time for late payments, too")
    ] = False,
    url: Url = None,
) -> None:
    """Let the time to pay an order end now."""
    order = _order(order_id)
    if order.rail is Rail.AEONTO:
        if grace:
            raise typer.BadParameter("--grace: in AEON, AEON.to decides about late payments")
        answer = _client(url).press(f"orders/{order.known_uuid()}/expire")
        _say_state(order, answer)
        return
    with_operator_database(lambda database: end_time(database, order_id, grace_too=grace))
    typer.echo(f"{order.id}: its time to pay is over")


def purge(order_id: OrderId, url: Url = None) -> None:
    """Let AEON.to forget an order in AEON: it says NOT_FOUND."""
    sandbox, order = _client(url), _order(order_id)
    _say_state(order, sandbox.press(f"orders/{order.known_uuid()}/purge"))


def replace(
    order_id: OrderId,
    elsewhere: Annotated[
        bool, typer.Option("--elsewhere", help="pay somebody else, so that the payment vanishes")
    ] = False,
    url: Url = None,
) -> None:
    """Replace the last unconfirmed payment of an order in bitcoin by another transaction."""
    sandbox, order = _client(url), _order(order_id)
    txid = _last_unconfirmed(sandbox, order)
    address = _ELSEWHERE if elsewhere else None
    made = sandbox.press("chain/replace", txid=txid, address=address)
    typer.echo(f"{order.id}: {txid} is replaced by {made['txid']}")


def double_spend(order_id: OrderId, url: Url = None) -> None:
    """Spend the coins of the last unconfirmed payment of an order in bitcoin elsewhere, in a block."""
    sandbox, order = _client(url), _order(order_id)
    txid = _last_unconfirmed(sandbox, order)
    made = sandbox.press("chain/double-spend", txid=txid)
    typer.echo(f"{order.id}: the coins of {txid} are spent by {made['txid']}")


def _last_unconfirmed(sandbox: SandboxClient, order: SandboxOrder) -> str:
    found = sandbox.read(f"esplora/address/{order.known_address()}/txs")
    waiting = [one["txid"] for one in found if not one["status"]["confirmed"]]
    if not waiting:
        raise SandboxRefused(
            f"{order.id}: no payment of it waits for a block; `assay sandbox auto off` stops blocks"
        )
    return str(waiting[0])


def reorganise(
    depth: Annotated[int, typer.Option(min=1, max=100, help="how many blocks")] = 1,
    transactions: Annotated[
        Fate, typer.Option(help="whether theirs wait for a block, have one, or vanish")
    ] = Fate.MEMPOOL,
    url: Url = None,
) -> None:
    """Replace the last blocks of the bitcoin chain by one more than that."""
    answer = _client(url).press("chain/reorganise", depth=depth, transactions=transactions.value)
    typer.echo(f"the chain has {answer['tip_height']} blocks, the last {depth + 1} of them new")


def mine(
    blocks: Annotated[int, typer.Option(min=1, max=1000, help="how many")] = 1, url: Url = None
) -> None:
    """Mine blocks of the bitcoin chain, the first with all that waits."""
    _mine(_client(url), blocks)


def _mine(sandbox: SandboxClient, blocks: int) -> None:
    answer = sandbox.press("chain/mine", blocks=blocks)
    typer.echo(f"the chain has {answer['tip_height']} blocks")


def auto(
    switch: Annotated[Switch, typer.Argument(help="whether orders are paid by themselves")],
    step_seconds: Annotated[
        float | None, typer.Option(min=0, max=86_400, help="how long each step takes")
    ] = None,
    block_seconds: Annotated[
        float, typer.Option(min=0.1, max=86_400, help="how often a block comes")
    ] = _BLOCK_SECONDS,
    url: Url = None,
) -> None:
    """Pay orders in both coins by themselves, and let blocks come; or stop both."""
    sandbox, is_on = _client(url), switch is Switch.ON
    answer = sandbox.press("auto", enabled=is_on, step_seconds=step_seconds)
    sandbox.set_pace(block_seconds if is_on else None)
    if is_on:
        typer.echo(
            f"orders are paid by themselves, each step takes {answer['step_seconds']:g} seconds;"
            f" a block comes every {block_seconds:g} seconds"
        )
    else:
        typer.echo("nothing is paid by itself, and no block comes")
