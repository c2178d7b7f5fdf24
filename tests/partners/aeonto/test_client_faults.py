"""The client among faults: nonsense, broken transports, deadlines, cancellation, a deaf pace."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Final

import httpx
import pytest
import respx
from typing_extensions import override

from app.partners import failures
from app.partners import http as http_module
from app.partners.aeonto.failures import SlotExpired
from app.partners.failures import PartnerFailure
from app.runtime.rate_limit.rules import Bucket, Slot
from tests.partners.aeonto import golden
from tests.partners.aeonto.bench import ADDRESS, ANSWERED, ASKS, JSON, Bench, slot
from tests.partners.aeonto.golden import BASE_URL
from tests.support.deadlines import Silence, hold_deadlines

NONSENSE: Final = {
    "html": httpx.Response(200, html="<html></html>"),
    "html_in_a_502": httpx.Response(502, html="<html></html>"),
    "no_content_type": httpx.Response(200, content=golden.UNPAID.encode()),
    "redirect": httpx.Response(302, headers={"Location": "https://example.org/", **JSON}),
    "redirect_with_a_result": httpx.Response(
        307, headers={"Location": f"{BASE_URL}other/", **JSON}, text=golden.UNPAID
    ),
    "no_content": httpx.Response(204),
    "empty": httpx.Response(200, headers=JSON),
    "truncated": httpx.Response(200, headers=JSON, text=golden.UNPAID[:300]),
    "nan": httpx.Response(200, headers=JSON, text='{"state": "UNPAID", "uuid": "u", "x": NaN}'),
    "duplicate": httpx.Response(200, headers=JSON, text='{"state": "PAID", "state": "UNPAID"}'),
    "deep": httpx.Response(200, headers=JSON, text='{"a": ' * 17 + "1" + "}" * 17),
    "utf8": httpx.Response(200, headers=JSON, content=b'{"state": "\xff"}'),
    "huge": httpx.Response(200, headers=JSON, content=b" " * 65_536 + b"{}"),
    "array": httpx.Response(200, headers=JSON, text="[]"),
    "no_state": httpx.Response(200, headers=JSON, text='{"uuid": "u"}'),
    "negative": httpx.Response(
        200, headers=JSON, text='{"state": "UNPAID", "uuid": "u", "btc_amount": -0.1}'
    ),
    "result_in_a_500": httpx.Response(500, headers=JSON, text=golden.UNPAID),
    "error_without_a_number": httpx.Response(404, headers=JSON, text='{"error": "no"}'),
    "no_error_in_a_404": httpx.Response(404, headers=JSON, text='{"detail": "not found"}'),
}


@pytest.mark.parametrize("kind", NONSENSE)
async def test_nonsense_is_no_news_to_ask_again_for(
    bench: Bench, upstream: respx.MockRouter, kind: str
) -> None:
    answer = NONSENSE[kind]
    upstream.post("order_status_query/").mock(return_value=answer)
    with pytest.raises(failures.InvalidResponse) as caught:
        await bench.look()
    assert isinstance(caught.value, failures.UnknownOutcome)
    assert caught.value.http_status == answer.status_code
    assert bench.pace.told == ANSWERED
    assert bench.observed == [("order_status_query", "Nonsense", 0)]


@pytest.mark.parametrize(
    ("broken", "kind", "told"),
    [
        (httpx.ConnectError, failures.Unreachable, ["unreachable 1"]),
        (httpx.WriteError, failures.AnswerLost, []),
        (httpx.ReadError, failures.AnswerLost, []),
        (httpx.RemoteProtocolError, failures.AnswerLost, []),
        (TimeoutError, failures.AnswerLost, []),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_broken_transport_is_no_news_to_ask_again_for(
    bench: Bench,
    upstream: respx.MockRouter,
    broken: type[Exception],
    kind: type[PartnerFailure],
    told: list[str],
) -> None:
    upstream.post("order_status_query/").mock(side_effect=broken)
    with pytest.raises(kind) as caught:
        await bench.look()
    assert isinstance(caught.value, (failures.NotDone, failures.UnknownOutcome))
    assert caught.value.http_status is None
    assert bench.pace.told == told


class Trickle(httpx.AsyncByteStream):
    """A body that sends one byte at a time and, when told so, breaks off or never ends."""

    def __init__(self, end: Exception | None = None) -> None:
        self.started = asyncio.Event()
        self._end = end

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.started.set()
        yield b" "
        if self._end:
            raise self._end
        while True:
            await asyncio.sleep(0.002)
            yield b" "


async def test_trickling_body_does_not_outlive_the_deadline(
    bench: Bench, upstream: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadlines, body = hold_deadlines(monkeypatch, http_module), Trickle()
    upstream.post("order_status_query/").mock(
        return_value=httpx.Response(200, headers=JSON, stream=body)
    )
    looking = asyncio.create_task(bench.look())
    await body.started.wait()
    deadlines.expire()
    with pytest.raises(failures.DeadlinePassed):
        await looking
    assert bench.pace.told == ANSWERED


async def test_silence_does_not_outlive_the_deadline(
    bench: Bench, upstream: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    silence = Silence(hold_deadlines(monkeypatch, http_module))
    upstream.post("order_status_query/").mock(side_effect=silence)
    with pytest.raises(failures.DeadlinePassed):
        await bench.look()
    assert bench.pace.told == []


async def _silence(_request: httpx.Request) -> httpx.Response:
    await asyncio.Event().wait()
    raise AssertionError


async def test_body_that_breaks_off_is_a_lost_answer(
    bench: Bench, upstream: respx.MockRouter
) -> None:
    body = Trickle(end=httpx.ReadError("reset"))
    upstream.post("order_status_query/").mock(
        return_value=httpx.Response(200, headers=JSON, stream=body)
    )
    with pytest.raises(failures.AnswerLost):
        await bench.look()
    assert bench.pace.told == ANSWERED


async def test_expired_slot_is_given_back_and_nothing_is_sent(
    bench: Bench, upstream: respx.MockRouter
) -> None:
    route = upstream.post("order_status_query/").respond(200, headers=JSON, text=golden.UNPAID)
    late = slot(Bucket.ORDER_STATUS, leave_by=bench.clock.monotonic() - 0.001)
    with pytest.raises(SlotExpired) as caught:
        await bench.aeonto.order_status_query("aeonto-XCZEsu", slot=late)
    assert isinstance(caught.value, failures.NotDone)
    assert not route.called
    assert bench.pace.told == ["release 1"]


async def test_slot_of_another_bucket_is_refused(bench: Bench) -> None:
    with pytest.raises(ValueError, match="needs a slot of order_create"):
        await bench.aeonto.order_create(Decimal(1), ADDRESS, slot=slot(Bucket.ORDER_STATUS))


async def test_cancelled_while_waiting_tells_the_pace_nothing(
    bench: Bench, upstream: respx.MockRouter
) -> None:
    upstream.post("order_status_query/").mock(side_effect=_silence)
    looking = asyncio.create_task(bench.look())
    await asyncio.sleep(0.005)
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
    assert bench.pace.told == []
    assert bench.observed == [("order_status_query", "cancelled", 0)]


async def test_cancelled_after_the_answer_came_still_tells_the_pace(
    bench: Bench, upstream: respx.MockRouter
) -> None:
    body = Trickle()
    upstream.post("order_status_query/").mock(
        return_value=httpx.Response(200, headers=JSON, stream=body)
    )
    looking = asyncio.create_task(bench.look())
    await body.started.wait()
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
    assert bench.pace.told == ANSWERED


async def test_cancelled_while_telling_the_pace_tells_it_to_the_end(
    bench: Bench, upstream: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    telling, go_on = asyncio.Event(), asyncio.Event()
    throttled = bench.pace.throttled

    async def slowly(one: Slot) -> None:
        telling.set()
        await go_on.wait()
        await throttled(one)

    monkeypatch.setattr(bench.pace, "throttled", slowly)
    upstream.post("order_create/").respond(403, headers=JSON, text=golden.error("AEONTO-ERROR-012"))
    asking = asyncio.ensure_future(ASKS["order_create"](bench.aeonto))
    await telling.wait()
    asking.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert bench.pace.told == ["throttled 1"]


async def test_pace_that_cannot_hear_does_not_cost_the_answer(
    bench: Bench, upstream: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(one: Slot) -> None:
        raise ConnectionError

    monkeypatch.setattr(bench.pace, "answered", away)
    upstream.post("order_status_query/").respond(200, headers=JSON, text=golden.UNPAID)
    assert (await bench.look()).state == "UNPAID"


async def test_environment_proxies_are_ignored(
    upstream: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    bench = Bench()
    upstream.post("order_status_query/").respond(200, headers=JSON, text=golden.UNPAID)
    assert (await bench.look()).state == "UNPAID"
    assert not bench.transport._http.trust_env
    await bench.transport.aclose()
