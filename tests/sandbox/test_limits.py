"""The documented limits hold to the instant, and every breach is counted."""

from decimal import Decimal

import pytest

from app.sandbox import create_sandbox
from tests.sandbox.conftest import FakeClock, Harness, serving
from tests.support.cases import each_case

TOO_MANY = '{"error": "AEONTO-ERROR-012", "error_msg": "too many requests"}'
LIMITS = [
    ("order_parameter_query", 3, 1),
    ("order_create", 4, 60),
    ("order_create_pp", 4, 60),
    ("order_status_query", 3, 1),
    ("order_check_price", 1, 3),
]


@pytest.mark.parametrize(("endpoint", "count", "window"), LIMITS)
async def test_window_is_exact_at_its_edge(
    sandbox: Harness, endpoint: str, count: int, window: int
) -> None:
    for _ in range(count):
        response = await sandbox.ask(endpoint, {}, spaced=False)
        assert response.status_code != 403
    sandbox.clock.ticks += window
    for _ in range(count):
        response = await sandbox.ask(endpoint, {}, spaced=False)
        assert response.status_code != 403
    assert (await sandbox.stats())["over_limit"] == 0
    sandbox.clock.ticks += window - 0.001
    response = await sandbox.ask(endpoint, {}, spaced=False)
    assert (response.status_code, response.text) == (403, TOO_MANY)
    stats = await sandbox.stats()
    assert stats["over_limit"] == 1
    counts = stats["endpoints"][endpoint]
    assert counts["requests"] == 2 * count + 1
    assert counts["over_limit"] == counts["refused_012"] == 1
    assert counts["largest_window"] == count + 1
    assert (counts["limit"], counts["window_seconds"]) == (count, window)


async def test_both_ways_to_create_share_one_limit(sandbox: Harness) -> None:
    for endpoint in ("order_create", "order_create_pp") * 2:
        assert (await sandbox.ask(endpoint, {}, spaced=False)).status_code == 400
    for endpoint in ("order_create", "order_create_pp"):
        assert (await sandbox.ask(endpoint, {}, spaced=False)).text == TOO_MANY
    assert (await sandbox.ask("order_check_price", {}, spaced=False)).status_code == 400


async def test_refused_request_counts_so_whoever_goes_on_stays_refused(sandbox: Harness) -> None:
    await sandbox.ask("order_check_price", {}, spaced=False)
    for _ in range(3):
        sandbox.clock.ticks += 2.5
        assert (await sandbox.ask("order_check_price", {}, spaced=False)).text == TOO_MANY
    sandbox.clock.ticks += 3
    assert (await sandbox.ask("order_check_price", {}, spaced=False)).status_code == 400


async def test_refused_request_does_no_work_and_uses_up_no_fault(sandbox: Harness) -> None:
    uuid = await sandbox.order()
    await sandbox.control("faults", {"kind": "500", "endpoint": "order_status_query", "times": 4})
    for _ in range(5):
        await sandbox.ask("order_status_query", {"uuid": uuid}, spaced=False)
    waiting = (await sandbox.http.get(f"{sandbox.root}/control/faults")).json()["faults"]
    stats = await sandbox.stats()
    assert [fault["times"] for fault in waiting] == [1]
    assert stats["polls"] == {uuid: 0}
    assert stats["faults"] == {"500": 3}


async def test_moving_the_sandboxes_time_opens_no_window(sandbox: Harness) -> None:
    await sandbox.ask("order_check_price", {}, spaced=False)
    await sandbox.control("clock", {"advance_seconds": 901})
    assert (await sandbox.ask("order_check_price", {}, spaced=False)).text == TOO_MANY


async def test_fault_of_012_is_refused_but_not_over_the_limit(sandbox: Harness) -> None:
    await sandbox.control("faults", {"kind": "403"})
    assert (await sandbox.ask("order_parameter_query")).text == TOO_MANY
    stats = await sandbox.stats()
    assert stats["endpoints"]["order_parameter_query"]["refused_012"] == 1
    assert stats["over_limit"] == 0


@each_case(("scale", "count"), [("10", 30), ("0.5", 1), ("0.01", 1), ("1.5", 4)])
async def test_rate_scale_multiplies_the_count_and_leaves_the_window(
    scale: str, count: int
) -> None:
    clock = FakeClock()
    app = create_sandbox(rate_scale=Decimal(scale), clock=clock)
    async with serving(app, clock) as sandbox:
        for _ in range(count):
            assert (await sandbox.ask("order_parameter_query", spaced=False)).status_code == 200
        assert (await sandbox.ask("order_parameter_query", spaced=False)).text == TOO_MANY
        counts = (await sandbox.stats())["endpoints"]["order_parameter_query"]
    assert (counts["limit"], counts["window_seconds"]) == (count, 1)
