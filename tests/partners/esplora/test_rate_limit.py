"""How often one server is asked, and how long nobody asks after a 429."""

from app.partners.esplora.rate_limit import (
    LIMIT,
    LIMIT_OF_OWN,
    LONGEST_PAUSE_SECONDS,
    PAUSE_SECONDS,
    ServerRateLimit,
    limit_of,
)
from app.runtime.rate_limit.rules import CALL_DEADLINE_SECONDS, LEAVE_WITHIN_SECONDS, Limit
from tests.support.cases import each_case
from tests.support.clock import HandClock

TWO_A_SECOND = Limit(2, 1.0)


class Desk:
    """Turns, and a clock to see how long they took."""

    def __init__(self, limit: Limit = TWO_A_SECOND) -> None:
        self.clock = HandClock()
        self.rate_limit = ServerRateLimit(self.clock, limit)

    async def take(self, within_seconds: float = 1000.0) -> str:
        permit = await self.rate_limit.take(within_seconds=within_seconds)
        assert permit is not None
        return permit


async def test_no_second_holds_more_requests_than_the_limit() -> None:
    desk = Desk()
    taken = []
    for _ in range(9):
        permit = await desk.take()
        taken.append(desk.clock.monotonic())
        desk.rate_limit.over(permit)
    for early, late in zip(taken, taken[2:], strict=False):
        assert late - early >= 1.0
    assert taken[1] == 0.0
    assert taken[-1] < 4.5


async def test_no_more_requests_are_under_way_than_the_limit_until_one_is_over() -> None:
    desk = Desk()
    first = await desk.take()
    await desk.take()
    assert await desk.rate_limit.take(within_seconds=5.0) is None
    desk.rate_limit.over(first)
    assert await desk.rate_limit.take(within_seconds=1.5) is not None


async def test_turn_that_never_ended_is_given_again_after_its_deadline() -> None:
    desk = Desk(Limit(1, 1.0))
    await desk.take()
    await desk.take()
    assert desk.clock.monotonic() >= LEAVE_WITHIN_SECONDS + CALL_DEADLINE_SECONDS + 1.0


async def test_whoever_would_wait_too_long_is_told_at_once() -> None:
    desk = Desk()
    desk.rate_limit.throttled(await desk.take(), "60")
    before = desk.clock.monotonic()
    assert await desk.rate_limit.take(within_seconds=5.0) is None
    assert desk.clock.monotonic() == before


@each_case(
    ("retry_after", "seconds"),
    [
        ("30", 30.0),
        ("300", 300.0),
        ("301", LONGEST_PAUSE_SECONDS),
        ("999999", LONGEST_PAUSE_SECONDS),
        ("9999999", PAUSE_SECONDS),
        ("0", 2.0),
        ("", PAUSE_SECONDS),
        ("soon", PAUSE_SECONDS),
        ("-5", PAUSE_SECONDS),
        ("1e3", PAUSE_SECONDS),
        ("\u0661", PAUSE_SECONDS),
        ("Wed, 21 Oct 2026 07:28:00 GMT", PAUSE_SECONDS),
    ],
)
async def test_nobody_asks_for_as_long_as_a_429_says(retry_after: str, seconds: float) -> None:
    desk = Desk()
    desk.rate_limit.throttled(await desk.take(), retry_after)
    await desk.take()
    assert seconds <= desk.clock.monotonic() <= seconds + 0.1


async def test_shorter_pause_never_ends_a_longer_one() -> None:
    desk = Desk()
    first, second = await desk.take(), await desk.take()
    desk.rate_limit.throttled(first, "100")
    desk.rate_limit.throttled(second, "1")
    await desk.take()
    assert desk.clock.monotonic() >= 100.0


async def test_one_request_probes_after_a_pause_and_the_others_follow_its_answer() -> None:
    desk = Desk()
    throttled = await desk.take()
    desk.rate_limit.throttled(throttled, "10")
    desk.rate_limit.over(throttled)
    probe = await desk.take()
    assert await desk.rate_limit.take(within_seconds=3.0) is None
    desk.rate_limit.over(probe)
    assert await desk.rate_limit.take(within_seconds=0.0) is not None


@each_case(
    ("url", "limit"),
    [
        ("https://blockstream.info/api/", LIMIT),
        ("https://8.8.8.8/api/", LIMIT),
        ("http://electrs:3000/", LIMIT_OF_OWN),
        ("http://127.0.0.1:3002/", LIMIT_OF_OWN),
        ("https://node.internal/api/", LIMIT_OF_OWN),
        ("http://192.168.1.5:3000/", LIMIT_OF_OWN),
    ],
)
def test_a_server_of_the_own_network_is_asked_more_often_than_a_public_one(
    url: str, limit: Limit
) -> None:
    assert limit_of(url) == limit
    assert LIMIT_OF_OWN.count > LIMIT.count
