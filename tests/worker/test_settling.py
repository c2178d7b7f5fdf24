"""The worker asks the chain before it believes that bitcoin was sent."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from typing_extensions import override

from app.orders.rules.rails import Rail
from app.orders.rules.settlement import SettlementFault, Unverified, Verified
from app.orders.worker.settlement_checks import settlement_of
from app.partners.aeonto.report import Report
from app.partners.esplora.chain import (
    Chain,
    Disagree,
    NotYet,
    Paid,
    Unavailable,
    Verdict,
    Wrong,
)
from app.runtime.db.engine import Database
from app.runtime.rate_limit.rules import CALL_DEADLINE_SECONDS
from app.worker.run import reconciler_of
from tests.support.application import BTC_DEST_ADDRESS
from tests.support.orders import count
from tests.support.sandbox import Upstream
from tests.worker.conftest import WorkerHarness, open_stage

TXID = "ab" * 32
AMOUNT = Decimal("0.00500000")
NOT_YET = NotYet("in no block")


@dataclass
class ScriptedChain(Chain):
    """A chain that says what it is told to, once `gate` is open; it remembers what was asked."""

    says: Verdict = NOT_YET
    asked: list[tuple[str, str, int]] = field(default_factory=list)
    within_seconds: list[float] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    @override
    async def settlement(
        self, txid: str, address: str, value_satoshi: int, *, within_seconds: float
    ) -> Verdict:
        self.asked.append((txid, address, value_satoshi))
        self.within_seconds.append(within_seconds)
        await self.gate.wait()
        return self.says


@pytest.fixture
def chain() -> ScriptedChain:
    return ScriptedChain()


@pytest.fixture
async def verifying(
    committed_database: Database, served: Upstream, chain: ScriptedChain
) -> AsyncIterator[WorkerHarness]:
    """A worker with a chain, at a fresh sandbox."""
    await served.press("reset")
    async with open_stage(committed_database, served, chain=chain) as harness:
        yield harness
        await harness.sound()


async def ask(chain: Chain | None, **said: Any) -> object:  # noqa: ANN401  any field of a report
    report = Report(**{"state": "BTC_SENT", "btc_transaction_id": TXID, **said})
    return await settlement_of(
        chain,
        report,
        btc_amount=AMOUNT,
        btc_dest_address=BTC_DEST_ADDRESS,
        within_seconds=CALL_DEADLINE_SECONDS,
    )


@pytest.mark.parametrize(
    ("verdict", "settlement"),
    [
        (Paid(3, (1, 0)), Verified(TXID, (1, 0), 3)),
        (Paid(100, (0,), is_coinbase=True), Verified(TXID, (0,), 100, is_coinbase=True)),
        (NotYet("why"), Unverified(SettlementFault.UNVERIFIED, "why")),
        (Wrong("why"), Unverified(SettlementFault.WRONG, "why")),
        (Disagree("why"), Unverified(SettlementFault.DISAGREE, "why")),
        (Unavailable("why"), Unverified(SettlementFault.UNAVAILABLE, "why")),
    ],
)
async def test_each_verdict_has_its_meaning(
    chain: ScriptedChain, verdict: Verdict, settlement: object
) -> None:
    chain.says = verdict
    assert await ask(chain) == settlement
    assert chain.asked == [(TXID, BTC_DEST_ADDRESS, 500_000)]


async def test_one_transaction_in_two_spellings_is_one(chain: ScriptedChain) -> None:
    chain.says = Paid(1, (0,))
    assert await ask(chain, btc_transaction_id=TXID.upper()) == Verified(TXID, (0,), 1)


@pytest.mark.parametrize("named", [None, ""])
async def test_claim_without_a_transaction_is_not_verified(
    chain: ScriptedChain, named: str | None
) -> None:
    settlement = await ask(chain, btc_transaction_id=named)
    assert isinstance(settlement, Unverified)
    assert settlement.fault is SettlementFault.UNVERIFIED
    assert chain.asked == []


async def test_chain_is_asked_about_no_other_state_and_may_be_missing(
    chain: ScriptedChain,
) -> None:
    assert await ask(chain, state="PAID") is None
    assert await ask(None) is None
    assert chain.asked == []


async def test_claim_waits_for_its_block_and_then_grants(
    verifying: WorkerHarness, chain: ScriptedChain
) -> None:
    order_id = await verifying.placed_unpaid()
    await verifying.advance("BTC_SENT")
    await verifying.work(after_seconds=5)
    for _ in range(2):
        await verifying.work(after_seconds=30)
    assert (await verifying.read(order_id)).status == "PAID"
    assert await verifying.balance() == 0
    chain.says = Paid(1, (0,))
    await verifying.work(after_seconds=30)
    assert await verifying.path(order_id) == ["TO_BE_CREATED", "UNPAID", "PAID", "BTC_SENT"]
    assert await verifying.balance() == 10
    (order,) = await verifying.upstream.orders()
    assert set(chain.asked) == {(chain.asked[0][0], BTC_DEST_ADDRESS, 500_000)}
    assert len(chain.asked) == 4
    assert len(chain.asked[0][0]) == 64
    assert order["btc_amount"] == "0.005"
    assert await count(verifying.database, "settlements", "txid = :txid", txid=chain.asked[0][0])
    assert verifying.metric("assay_reports_refused_total", reason="settlement_unverified") == 3


async def test_unverified_claim_alarms_after_an_hour_once(
    verifying: WorkerHarness, chain: ScriptedChain
) -> None:
    order_id = await verifying.placed_unpaid()
    await verifying.advance("BTC_SENT")
    await verifying.work(after_seconds=5)
    await verifying.work(after_seconds=3500)
    assert await verifying.notes(order_id) == [("refused", "settlement_unverified")]
    for _ in range(3):
        await verifying.work(after_seconds=200)
    assert ("alarm", "settlement_unverified") in await verifying.notes(order_id)
    assert verifying.metric("assay_alarms_total", kind="settlement_unverified") == 1


async def test_nothing_is_open_while_the_chain_is_asked_and_it_shares_the_time_of_the_call(
    verifying: WorkerHarness, chain: ScriptedChain
) -> None:
    order_id = await verifying.placed_unpaid()
    await verifying.advance("BTC_SENT")
    verifying.clock.leap(5)
    chain.gate.clear()
    assert await verifying.reconciler.poll_next(Rail.AEONTO)
    while not chain.asked:
        await asyncio.sleep(0.01)
    in_transaction = (
        "datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"
        " AND backend_type = 'client backend'"
    )
    assert await count(verifying.database, "pg_stat_activity", in_transaction) == 0
    chain.says = Paid(1, (0,))
    chain.gate.set()
    await verifying.reconciler.drain()
    assert (await verifying.read(order_id)).status == "BTC_SENT"
    assert 0 < chain.within_seconds[0] < CALL_DEADLINE_SECONDS


async def test_two_orders_are_not_settled_by_one_output(
    verifying: WorkerHarness, chain: ScriptedChain
) -> None:
    chain.says = Paid(1, (0,))
    placed = [await verifying.placed_unpaid(), await verifying.placed_unpaid()]
    await verifying.advance("PAID")
    first, second = await verifying.upstream.orders()
    await verifying.upstream.press(f"orders/{first['uuid']}/send")
    await verifying.upstream.press(f"orders/{second['uuid']}/send", lie="taken")
    await verifying.work(after_seconds=5)
    assert len({txid for txid, *_ in chain.asked}) == 1
    statuses = sorted([(await verifying.read(order_id)).status for order_id in placed])
    assert statuses == ["BTC_SENT", "PAID"]
    assert await verifying.balance() == 10
    assert verifying.metric("assay_alarms_total", kind="settlement_output_taken") == 1


async def test_worker_without_a_chain_believes_the_claim(
    verifying: WorkerHarness, chain: ScriptedChain
) -> None:
    resources = verifying.resources
    order_id = await verifying.placed_unpaid()
    await verifying.advance("BTC_SENT")
    without = reconciler_of(type(resources)(**{**vars(resources), "chain": None}))
    await verifying.work(after_seconds=5, reconciler=without)
    assert (await verifying.read(order_id)).status == "BTC_SENT"
    assert await verifying.balance() == 10
    assert chain.asked == []
