"""Placing an order, on either rail.

AEON.to hears of an order later, from the loop: it is one statement. One in bitcoin can be paid at
once: its address is taken in the transaction of the order, so that a failure leaves no gap between
addresses.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.authentication import Caller, CallerQuery
from app.accounts.errors import InvalidAccessCode
from app.accounts.rules.expiry import is_past
from app.events.append import append, inserting_one, parameters_of_one
from app.ledger.rules import AccountStatus
from app.orders import addresses, events, publish, rail_offers
from app.orders.aeonto_parameters import TRUSTED_FOR, KnownParameters
from app.orders.models import Order, Payment
from app.orders.pricing import BitcoinTerms, Terms
from app.orders.queries import OrderView, PaymentFacts
from app.orders.rules.placing import ADDRESS_GIVEN, ORDERED, await_bitcoin, new_order
from app.runtime.db.direct import DriverRow, Statement
from app.runtime.db.engine import LOCK_TIMEOUT, Database
from app.runtime.idempotency import KEY_LOCK_TIMEOUT, KeptAnswer, RequestKey, answer_in
from app.runtime.labels import NO_LABELS, Labels
from app.runtime.security import ACCESS_CODE_PATTERN, new_id

_SHOWN: Final = (
    "id", "rail", "status", "created_at", "updated_at", "number_of_credits", "price_btc",
    "payment_coin", "payment_network", "btc_amount", "client_reference",
)  # fmt: skip
_SHOWN_OF_PAYMENT: Final = (
    "expires_at", "late_until", "received_btc", "confirmations_wanted", "confirmations_seen",
)  # fmt: skip
# The caller, and what decides whether it may place an order: what AEON.to said, whom the access
# code `access_code` is, and what the key `key` has brought before.
PLACING: Final = CallerQuery(
    """known.price_btc AS aeon_price_btc, known.lower_limit_btc, known.upper_limit_btc,
    known.zero_conf_enabled, known.zero_conf_max_amount_btc, known.seen_at,
    gift.account_id AS gift_account_id, gift.expires_at AS gift_expires_at,
    gift_account.status AS gift_status,
    kept.request_hash AS kept_hash, kept.status AS kept_status, kept.body AS kept_body""",
    joined="""LEFT JOIN aeonto_parameters known ON known.seen_at >= :trusted_since
    LEFT JOIN access_codes gift ON gift.access_code = :access_code
    LEFT JOIN accounts gift_account ON gift_account.id = gift.account_id
    LEFT JOIN idempotency_keys kept ON kept.account_id = account.id
        AND kept.endpoint = 'new_order' AND kept.key = :key""",
)


@dataclass(frozen=True)
class Purchase:
    """What a buyer asks for; `access_code` None: for itself.

    `unique_reference`: no other order of the buyer's that asked for this may have its reference.
    """

    number_of_credits: int
    payment_coin: str
    payment_network: str
    access_code: str | None
    labels: Labels = NO_LABELS
    unique_reference: bool = False


@dataclass(frozen=True)
class Buyer:
    """Who places an order, and what was known then, from a row of PLACING.

    `gift_account_id` is of the access code that was named, if it may receive.
    """

    caller: Caller
    known: KnownParameters | None
    gift_account_id: str | None
    row: DriverRow


def placing_parameters(
    access_code: str | None, key: str | None, now: datetime
) -> dict[str, object]:
    """Return the parameters of PLACING."""
    if access_code is not None and not ACCESS_CODE_PATTERN.fullmatch(access_code):
        access_code = None  # it is nobody's, and may hold what PostgreSQL refuses
    return {"access_code": access_code, "key": key, "trusted_since": now - TRUSTED_FOR}


def buyer_in(caller: Caller, row: DriverRow, now: datetime) -> Buyer:
    """Read a row of PLACING."""
    known = None
    if row["seen_at"] is not None:
        known = KnownParameters(
            price_btc=row["aeon_price_btc"],
            lower_limit_btc=row["lower_limit_btc"],
            upper_limit_btc=row["upper_limit_btc"],
            zero_conf_enabled=row["zero_conf_enabled"],
            zero_conf_max_amount_btc=row["zero_conf_max_amount_btc"],
            seen_at=row["seen_at"],
        )
    receives = row["gift_status"] == AccountStatus.ACTIVE and not is_past(
        row["gift_expires_at"], now
    )
    return Buyer(caller, known, row["gift_account_id"] if receives else None, row)


def earlier_answer(buyer: Buyer, key: RequestKey) -> KeptAnswer | None:
    """Return what the key has brought before; None: nothing. Raises IdempotencyKeyReused."""
    row = buyer.row
    if row["kept_hash"] is None:
        return None
    return answer_in(key, row["kept_hash"], row["kept_status"], row["kept_body"])


def agree(buyer: Buyer, purchase: Purchase, terms: Terms, now: datetime) -> dict[str, Any]:
    """Return the row of an order that may be placed, on either rail as it is before its address.

    Raises InvalidParameter and InvalidAccessCode.
    """
    named = rail_offers.coin_rail(purchase.payment_coin, terms)
    least, most = rail_offers.credit_range(buyer.known, named, terms, now)
    if not 1 <= purchase.number_of_credits <= terms.max_credits_per_order:
        raise rail_offers.outside(least, most)
    rail = rail_offers.rail_of(purchase.payment_coin, purchase.payment_network, terms)
    beneficiary_id = _beneficiary(buyer, purchase)
    if not least <= purchase.number_of_credits <= most:
        raise rail_offers.outside(least, most)
    return new_order(
        new_id("ord"),
        buyer_id=buyer.caller.account_id,
        beneficiary_id=beneficiary_id,
        number_of_credits=purchase.number_of_credits,
        payment_coin=purchase.payment_coin,
        payment_network=purchase.payment_network,
        rail=rail,
        terms=terms,
        now=now,
        labels=purchase.labels,
        unique_reference=purchase.unique_reference,
    )


def _beneficiary(buyer: Buyer, purchase: Purchase) -> str:
    if not buyer.caller.active:
        raise InvalidAccessCode
    if purchase.access_code is None:
        return buyer.caller.account_id
    if buyer.gift_account_id is None:
        raise InvalidAccessCode
    return buyer.gift_account_id


def _inserted(source: str = "") -> str:
    """Insert an order that waits for AEON.to, and what is told of it, once for each row of a source."""
    return f"""
    placed AS (
        INSERT INTO orders ({", ".join(_ROW)}) SELECT {", ".join(f":{name}" for name in _ROW)}
        {source} RETURNING id, created_at
    ), begun AS (
        INSERT INTO order_events (order_id, kind, from_status, to_status, at, reason)
        SELECT id, 'moved', :from_status, :to_status, created_at, :reason FROM placed
    ), announced AS ({inserting_one("placed")})
    SELECT id FROM placed"""  # noqa: S608  all of it is ours


_ROW: Final = (
    "id", "buyer_id", "beneficiary_id", "number_of_credits", "payment_coin", "payment_network",
    "rail", "price_btc", "btc_amount", "btc_dest_address", "granting_status", "create_by",
    "max_open_orders", "status", "status_since", "next_look_at", "look_urgency", "client_reference",
    "unique_reference", "client_metadata", "created_at", "updated_at",
)  # fmt: skip
_IN_AEON: Final = Statement(f"WITH {_inserted()}")
# Who inserts the same key is waited for a moment, and a locked row as long as anywhere.
_IN_AEON_ONCE: Final = Statement(
    f"""
    WITH shortly AS MATERIALIZED (
        SELECT set_config('lock_timeout', '{KEY_LOCK_TIMEOUT}', true)
    ), claimed AS (
        INSERT INTO idempotency_keys
            (account_id, endpoint, key, request_hash, created_at, status, body)
        SELECT :buyer_id, 'new_order', :key, :request_hash, :created_at, 201, :body FROM shortly
        ON CONFLICT (account_id, endpoint, key) DO NOTHING RETURNING key
    ), as_usual AS MATERIALIZED (
        SELECT set_config('lock_timeout', '{LOCK_TIMEOUT}', true) FROM claimed
    ), {_inserted("FROM as_usual")}"""  # noqa: S608
)
_ORDERED: Final = dict(zip(("from_status", "to_status", "reason"), ORDERED, strict=True))


def _as_sent(order: dict[str, Any]) -> dict[str, Any]:
    """Return the row as the driver takes it: SQLAlchemy, whose pool it is, hands it JSON as text."""
    metadata = order["client_metadata"]
    return order | {"client_metadata": None if metadata is None else json.dumps(metadata)}


async def in_aeon(database: Database, order: dict[str, Any], body: bytes) -> None:
    """Insert an order that waits for AEON.to, which will say where to pay; `body` is the answer."""
    event = parameters_of_one(publish.placed_event(order, body))
    await database.fetch(_IN_AEON, **_as_sent(order), **_ORDERED, **event)


async def in_aeon_once(
    database: Database, order: dict[str, Any], key: RequestKey, body: bytes
) -> bool:
    """Insert an order and, under its key, the answer; say whether the key was free."""
    placed = await database.fetch(
        _IN_AEON_ONCE,
        **_as_sent(order),
        **_ORDERED,
        **parameters_of_one(publish.placed_event(order, body)),
        key=key.key,
        request_hash=key.request_hash,
        body=body,
    )
    return bool(placed)


async def in_bitcoin(
    session: AsyncSession,
    order: dict[str, Any],
    terms: Terms,
    bitcoin: BitcoinTerms,
    now: datetime,
    *,
    write: Callable[[OrderView], bytes],
) -> tuple[OrderView, bytes]:
    """Insert an order with an address of its own, and the payment that it waits for.

    In the caller's transaction. Return it, and what `write` makes of it, which is told.
    """
    address = await addresses.take(
        session, bitcoin.wallet, order["id"], now, destination=terms.btc_dest_address
    )
    payment = await_bitcoin(order, bitcoin, address, now)
    await session.execute(insert(Order).values(order))
    await session.execute(insert(Payment).values(payment))
    await events.write_moves(session, order["id"], (ORDERED, ADDRESS_GIVEN), now)
    view = view_of_placed(order, payment)
    body = write(view)
    await append(session, [publish.placed_event(order, body)])
    return view, body


def view_of_placed(order: dict[str, Any], payment: dict[str, Any] | None = None) -> OrderView:
    """Return what the caller may see of an order that was placed just now."""
    shown = None
    if payment is not None:
        shown = PaymentFacts(
            last_reported_state=payment["state"],
            bitcoin_address=payment["btc_dest_address"],
            **{name: payment[name] for name in _SHOWN_OF_PAYMENT},
        )
    return OrderView(
        **{name: order[name] for name in _SHOWN},
        credits_granted=None,
        grant_price_btc=None,
        failure_reason=None,
        metadata=order["client_metadata"],
        watched=True,
        payment=shown,
    )
