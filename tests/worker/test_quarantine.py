"""Orders on which work failed: set aside for ever longer, and never in the way of the others."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from app.orders.worker.quarantine import Quarantine
from tests.support.orders import count
from tests.worker.conftest import WorkerHarness

NOW = datetime(2026, 1, 11, 12, 46, 3, tzinfo=UTC)


def test_each_fault_doubles_the_pause_up_to_an_hour() -> None:
    quarantined = Quarantine()
    pauses = [quarantined.put("ord_1", NOW).total_seconds() for _ in range(12)]
    assert pauses[:4] == [15, 30, 60, 120]
    assert pauses[-1] == 3600


def test_order_rests_until_its_pause_is_over_and_its_faults_are_forgotten_when_work_succeeds() -> (
    None
):
    quarantined = Quarantine()
    quarantined.put("ord_1", NOW)
    assert quarantined.ids(NOW) == ["ord_1"]
    assert quarantined.ids(NOW + timedelta(seconds=15)) == []
    quarantined.take_back("ord_1")
    assert len(quarantined) == 0
    assert quarantined.put("ord_1", NOW) == timedelta(seconds=15)


def test_memory_of_faults_is_bounded() -> None:
    quarantined = Quarantine()
    for number in range(1500):
        quarantined.put(f"ord_{number}", NOW)
    assert len(quarantined.ids(NOW)) == 1000


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Keep the tracebacks of faults that are made on purpose out of the output."""
    with capture_logs():
        yield


@pytest.fixture
async def poisoned(harness: WorkerHarness) -> str:
    """An order whose grant the database refuses: its beneficiary's balance cannot take it."""
    order_id = await harness.placed_unpaid()
    async with harness.database.engine.begin() as connection:
        await connection.exec_driver_sql(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN IF NEW.order_id = '{order_id}'"
            " THEN RAISE EXCEPTION 'poisoned'; END IF; RETURN NEW; END $$"
        )
        await connection.exec_driver_sql(
            "CREATE TRIGGER poison BEFORE INSERT ON ledger_entries"
            " FOR EACH ROW EXECUTE FUNCTION refuse()"
        )
    return order_id


async def heal(harness: WorkerHarness) -> None:
    """Remove what the database refuses."""
    async with harness.database.engine.begin() as connection:
        await connection.exec_driver_sql("DROP TRIGGER poison ON ledger_entries")


async def test_poisoned_order_is_set_aside_and_the_others_are_granted(
    harness: WorkerHarness, poisoned: str
) -> None:
    for _ in range(3):
        await harness.place()
    await harness.work()
    await harness.advance("BTC_SENT")
    with capture_logs() as logs:
        await harness.work(after_seconds=5)
    assert await count(harness.database, "orders", "status = 'BTC_SENT'") == 3
    assert (await harness.read(poisoned)).status == "UNPAID"
    assert ("alarm", "order_set_aside") in await harness.notes(poisoned)
    assert "job_failed" in [line["event"] for line in logs]
    assert harness.metric("assay_orders_set_aside") == 1
    assert harness.metric("assay_alarms_total", kind="order_set_aside") == 1
    await heal(harness)
    await harness.work(after_seconds=3600)
    assert (await harness.read(poisoned)).status == "BTC_SENT"
    assert harness.metric("assay_orders_set_aside") == 0


async def test_poisoned_order_is_asked_about_ever_more_rarely(
    harness: WorkerHarness, poisoned: str
) -> None:
    await harness.advance("BTC_SENT")
    asked = await harness.upstream.requests("order_status_query")
    for _ in range(40):
        await harness.work(after_seconds=15)
    assert await harness.upstream.requests("order_status_query") - asked == 6
    await heal(harness)
    await harness.work(after_seconds=3600)


async def test_order_that_cannot_even_be_leased_stops_no_other(harness: WorkerHarness) -> None:
    poisoned = await harness.placed_unpaid()
    async with harness.database.engine.begin() as connection:
        await connection.exec_driver_sql(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN IF NEW.id = '{poisoned}'"
            " THEN RAISE EXCEPTION 'poisoned'; END IF; RETURN NEW; END $$"
        )
        await connection.exec_driver_sql(
            "CREATE TRIGGER poison BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION refuse()"
        )
    other = await harness.place()
    await harness.work()
    await harness.advance("BTC_SENT")
    for _ in range(3):
        await harness.work(after_seconds=5)
    assert (await harness.read(other)).status == "BTC_SENT"
    assert (await harness.read(poisoned)).status == "UNPAID"
    async with harness.database.engine.begin() as connection:
        await connection.exec_driver_sql("DROP TRIGGER poison ON orders")
    await harness.work(after_seconds=3600)
    assert (await harness.read(poisoned)).status == "BTC_SENT"
