"""The rule of a rate limit: each step by hand, then many senders in a model of the network."""

import heapq
from itertools import count
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.runtime.rate_limit.rules import (
    ASK_AGAIN_SECONDS,
    CALL_DEADLINE_SECONDS,
    LEAVE_WITHIN_SECONDS,
    LIMITS,
    MARGIN_SECONDS,
    SHORTEST_PAUSE_SECONDS,
    Bucket,
    Limit,
    PaceState,
    scaled,
    wait_seconds,
    with_answer,
    with_end,
    with_slot,
    with_throttle,
    without_slot,
)
from tests.support.cases import each_case

LIMIT = Limit(3, 1)
ONE = Limit(1, 3)


def full(*granted_at: float) -> PaceState:
    """Return a state whose slots `0`, `1`, … were handed out at these times."""
    state = PaceState()
    for name, at in enumerate(granted_at):
        state = with_slot(state, LIMIT, str(name), at)
    return state


def test_limits_are_those_of_the_specification() -> None:
    assert {
        str(bucket): (limit.count, limit.window_seconds) for bucket, limit in LIMITS.items()
    } == {
        "order_parameter_query": (3, 1),
        "order_create": (4, 60),
        "order_status_query": (3, 1),
        "order_check_price": (1, 3),
    }


def test_as_many_may_leave_at_once_as_the_limit_allows() -> None:
    state = PaceState()
    for name in "abc":
        assert wait_seconds(state, LIMIT, 100.0) == 0
        state = with_slot(state, LIMIT, name, 100.0)
    assert wait_seconds(state, LIMIT, 100.0) > 0


def test_place_is_free_a_window_after_the_answer_not_after_the_sending() -> None:
    state = full(100.0, 100.0, 100.0)
    assert wait_seconds(state, LIMIT, 105.0) == pytest.approx(1 + MARGIN_SECONDS)
    state = with_answer(state, "0", 105.0)
    assert wait_seconds(state, LIMIT, 105.5) == pytest.approx(0.5 + MARGIN_SECONDS)
    assert wait_seconds(state, LIMIT, 106.0 + MARGIN_SECONDS) == 0


def test_lost_answer_holds_its_own_place_alone() -> None:
    state = with_answer(full(100.0, 100.1, 100.2), "2", 100.3)
    assert wait_seconds(state, LIMIT, 101.0) == pytest.approx(0.3 + MARGIN_SECONDS)
    state = with_slot(state, LIMIT, "3", 105.0)
    assert wait_seconds(state, LIMIT, 105.0) == pytest.approx(1 + MARGIN_SECONDS)


def test_places_that_are_free_again_are_forgotten() -> None:
    state = with_answer(full(100.0, 100.1, 100.2), "1", 100.3)
    assert [slot.id for slot in with_slot(state, LIMIT, "3", 105.0).slots] == ["0", "2", "3"]


def test_lower_limit_than_before_waits_until_enough_places_are_free() -> None:
    state = full(100.0, 100.0, 100.0)
    for name, at in (("0", 100.1), ("1", 100.2), ("2", 100.3)):
        state = with_answer(state, name, at)
    assert wait_seconds(state, Limit(1, 1), 100.5) == pytest.approx(0.8 + MARGIN_SECONDS)


def test_lost_answer_counts_until_the_deadline_of_its_request() -> None:
    over = 100.0 + LEAVE_WITHIN_SECONDS + CALL_DEADLINE_SECONDS
    state = full(100.0, 100.0, 100.0)
    assert wait_seconds(state, LIMIT, over - 0.001) == pytest.approx(1 + MARGIN_SECONDS)
    assert wait_seconds(state, LIMIT, over) == pytest.approx(1 + MARGIN_SECONDS)
    assert wait_seconds(state, LIMIT, over + 1 + MARGIN_SECONDS) == 0


def test_released_slot_is_free_at_once() -> None:
    state = without_slot(full(100.0, 100.0, 100.0), "1")
    assert wait_seconds(state, LIMIT, 100.0) == 0


def test_answer_to_a_slot_that_is_no_longer_kept_changes_nothing() -> None:
    state = full(100.0, 100.0, 100.0)
    assert with_answer(state, "unknown", 101.0) == state


@pytest.mark.parametrize(("limit", "pause"), [(LIMIT, SHORTEST_PAUSE_SECONDS), (ONE, 3)])
def test_throttled_answer_pauses_for_one_window_and_at_least_two_seconds(
    limit: Limit, pause: float
) -> None:
    state = with_slot(PaceState(), limit, "a", 100.0)
    state = with_throttle(state, limit, "a", 101.0)
    assert state.probing
    assert wait_seconds(state, limit, 101.0) == pytest.approx(pause + MARGIN_SECONDS)
    assert wait_seconds(state, limit, 101.0 + pause + MARGIN_SECONDS) == 0


def test_after_the_pause_one_probes_until_it_is_answered() -> None:
    state = with_throttle(with_slot(PaceState(), LIMIT, "a", 100.0), LIMIT, "a", 100.1)
    state = with_slot(state, LIMIT, "probe", 103.0)
    assert wait_seconds(state, LIMIT, 103.1) == ASK_AGAIN_SECONDS
    state = with_answer(state, "probe", 103.2)
    assert not state.probing
    assert wait_seconds(state, LIMIT, 103.2) == 0


def test_refused_connection_counts_for_a_window_and_ends_no_probing() -> None:
    state = with_throttle(with_slot(PaceState(), ONE, "a", 100.0), ONE, "a", 100.1)
    state = with_end(with_slot(state, ONE, "probe", 104.0), "probe", 104.2)
    assert state.probing
    assert wait_seconds(state, ONE, 104.2) == pytest.approx(3 + MARGIN_SECONDS)


def test_probe_that_is_throttled_again_pauses_again() -> None:
    state = with_throttle(with_slot(PaceState(), LIMIT, "a", 100.0), LIMIT, "a", 100.1)
    state = with_throttle(with_slot(state, LIMIT, "probe", 103.0), LIMIT, "probe", 103.1)
    assert state.probing
    assert wait_seconds(state, LIMIT, 103.2) == pytest.approx(2 - 0.1 + MARGIN_SECONDS)


def test_answer_of_before_the_pause_ends_no_probing() -> None:
    state = full(100.0, 100.0)
    state = with_throttle(state, LIMIT, "0", 100.2)
    assert with_answer(state, "1", 100.3).probing


def test_pause_that_is_longer_is_not_cut_short() -> None:
    state = full(100.0, 100.0)
    later = with_throttle(with_throttle(state, LIMIT, "0", 105.0), LIMIT, "1", 101.0)
    assert later.paused_until == pytest.approx(105.0 + SHORTEST_PAUSE_SECONDS + MARGIN_SECONDS)


@each_case(
    ("scale", "expected"),
    [
        (1, Limit(4, 60)),
        (2.5, Limit(10, 60)),
        (0.5, Limit(2, 60)),
        (0.3, Limit(1, 60)),
        (0.125, Limit(1, 120)),
    ],
)
def test_scale_multiplies_the_count_and_below_one_request_widens_the_window(
    scale: float, expected: Limit
) -> None:
    assert scaled(LIMITS[Bucket.ORDER_CREATE], scale) == expected


# Many senders in a model of the network


class Network:
    """Senders that share one state, and what arrives at the upstream, and when.

    A request arrives at any time between its leaving and its answer; one that is never answered
    arrives at any time before its deadline, or not at all.
    """

    def __init__(self, chance: Random, limit: Limit, senders: int) -> None:
        self.chance = chance
        self.limit = limit
        self.state = PaceState()
        self.arrivals: list[float] = []
        self.unanswered_probes = 0
        self._names = count()
        self._order = count()
        self._due: list[tuple[float, int, str, str]] = []
        for _ in range(senders):
            self._at(chance.uniform(0, 0.5), "ask")

    def run(self, seconds: float) -> None:
        while self._due and self._due[0][0] < seconds:
            now, _, what, slot = heapq.heappop(self._due)
            match what:
                case "ask":
                    self._ask(now)
                case "answered":
                    self.state = with_answer(self.state, slot, now)
                    self._at(now, "ask")
                case "throttled":
                    self.state = with_throttle(self.state, self.limit, slot, now)
                    self._at(now, "ask")
                case _:
                    self.state = without_slot(self.state, slot)
                    self._at(now, "ask")

    def _at(self, when: float, what: str, slot: str = "") -> None:
        heapq.heappush(self._due, (when, next(self._order), what, slot))

    def _ask(self, now: float) -> None:
        wait = wait_seconds(self.state, self.limit, now)
        if wait > 0:
            self._at(now + wait * self.chance.uniform(1, 1.2), "ask")
            return
        slot = str(next(self._names))
        self.state = with_slot(self.state, self.limit, slot, now)
        leaves = now + self.chance.choice([0.001, 0.02, LEAVE_WITHIN_SECONDS])
        fate = self.chance.random()
        if fate < 0.05:
            self._at(leaves, "released", slot)
            return
        arrives = leaves + self.chance.uniform(0.02, 0.5)
        if fate < 0.12:
            if self.chance.random() < 0.8:
                self.arrivals.append(leaves + self.chance.uniform(0, CALL_DEADLINE_SECONDS))
            # A crash forgets at once, a time-out after the deadline.
            self._at(leaves + self.chance.choice([0.5, CALL_DEADLINE_SECONDS]), "ask")
            return
        self.arrivals.append(arrives)
        answer = arrives + self.chance.uniform(0.02, 0.5)
        self._at(answer, "throttled" if fate < 0.15 else "answered", slot)


@settings(max_examples=120, deadline=None, derandomize=True, database=None)
@given(
    seed=st.integers(0, 2**32),
    limit=st.sampled_from([Limit(3, 1), Limit(1, 3), Limit(4, 60), Limit(7, 0.2)]),
    senders=st.integers(1, 12),
)
def test_no_window_ever_holds_more_arrivals_than_the_limit(
    seed: int, limit: Limit, senders: int
) -> None:
    network = Network(Random(seed), limit, senders)  # noqa: S311  a replay
    network.run(20 * limit.window_seconds + 60)
    arrivals = sorted(network.arrivals)
    for first, beyond in zip(arrivals, arrivals[limit.count :], strict=False):
        assert beyond - first >= limit.window_seconds, (first, beyond)


@pytest.mark.parametrize("round_trip", [0.002, 0.15])
def test_one_window_and_a_round_trip_is_all_that_a_full_budget_costs(round_trip: float) -> None:
    state, now, sent = PaceState(), 0.0, 0
    while now < 60:
        wait = wait_seconds(state, LIMIT, now)
        if wait:
            now += wait
            continue
        state = with_slot(state, LIMIT, str(sent), now)
        state = with_answer(state, str(sent), now + round_trip)
        sent += 1
    assert sent >= 0.95 * 3 * 60 / (1 + round_trip + MARGIN_SECONDS)
