"""The client against mocked transports: what is sent, and what each answer means."""

from decimal import Decimal

import httpx
import pytest
import respx

from app.partners.aeonto.failures import (
    NUMBERED,
    Forbidden,
    InsufficientFunds,
    TooManyRequests,
    UnknownFailure,
)
from app.partners.aeonto.report import Report
from app.partners.failures import OperatorNeeded
from app.runtime.rate_limit.rules import Bucket
from tests.partners.aeonto import golden
from tests.partners.aeonto.bench import ADDRESS, ANSWERED, ASKS, JSON, Bench, slot
from tests.partners.aeonto.golden import BASE_URL


@pytest.mark.parametrize(
    ("endpoint", "method", "sent"),
    [
        ("order_parameter_query", "GET", b""),
        (
            "order_create",
            "POST",
            b'{"btc_amount": 0.1, "btc_dest_address": "%s"}' % ADDRESS.encode(),
        ),
        ("order_create_pp", "POST", b'{"pp_url": "https://bitpay.com/invoice?id=xxx"}'),
        ("order_status_query", "POST", b'{"uuid": "aeonto-XCZEsu"}'),
        ("order_check_price", "POST", b'{"btc_amount": 0.15}'),
    ],
)
async def test_each_endpoint_is_asked_as_specified(
    bench: Bench, upstream: respx.MockRouter, endpoint: str, method: str, sent: bytes
) -> None:
    answers = {
        "order_parameter_query": httpx.Response(200, headers=JSON, text=golden.PARAMETERS),
        "order_create": httpx.Response(201, headers=JSON, text=golden.CREATED),
        "order_create_pp": httpx.Response(201, headers=JSON, text=golden.CREATED_PP),
        "order_status_query": httpx.Response(200, headers=JSON, text=golden.UNPAID),
        "order_check_price": httpx.Response(200, headers=JSON, text=golden.QUOTE),
    }
    route = upstream.route(method=method, url=f"{BASE_URL}{endpoint}/").mock(
        return_value=answers[endpoint]
    )
    assert await ASKS[endpoint](bench.aeonto)
    request = route.calls.last.request
    assert request.content == sent
    assert request.headers.get("Content-Type") == ("application/json" if sent else None)
    assert request.headers["User-Agent"].startswith("assay/")
    assert bench.pace.told == ANSWERED
    assert bench.observed == [(endpoint, "ok", 0)]


async def test_created_order_is_a_report(bench: Bench, upstream: respx.MockRouter) -> None:
    upstream.post("order_create/").respond(201, headers=JSON, text=golden.CREATED)
    report = await ASKS["order_create"](bench.aeonto)
    assert report == Report(
        state="TO_BE_CREATED",
        uuid="aeonto-5rpnYP",
        btc_amount=Decimal("0.1"),
        btc_dest_address=ADDRESS,
    )


@pytest.mark.parametrize(
    ("amount", "digits"), [("0.00050000", b"0.0005"), ("0.00000001", b"0.00000001")]
)
async def test_amounts_are_sent_with_their_exact_digits(
    bench: Bench, upstream: respx.MockRouter, amount: str, digits: bytes
) -> None:
    route = upstream.post("order_create/").respond(201, headers=JSON, text=golden.CREATED)
    await bench.aeonto.order_create(Decimal(amount), ADDRESS, slot=slot(Bucket.ORDER_CREATE))
    assert route.calls.last.request.content == (
        b'{"btc_amount": ' + digits + b', "btc_dest_address": "' + ADDRESS.encode() + b'"}'
    )


async def test_base_url_without_a_slash_gets_one(upstream: respx.MockRouter) -> None:
    bench = Bench(BASE_URL.rstrip("/"))
    upstream.post("order_status_query/").respond(200, headers=JSON, text=golden.UNPAID)
    assert (await bench.look()).state == "UNPAID"
    await bench.transport.aclose()


@pytest.mark.parametrize("prefix", ["AEONTO", "XMRTO"])
@pytest.mark.parametrize("number", sorted(set(NUMBERED) - {12}))
async def test_each_error_number_is_its_own_failure(
    bench: Bench, upstream: respx.MockRouter, number: int, prefix: str
) -> None:
    upstream.post("order_create/").respond(
        503, headers=JSON, text=golden.error(f"{prefix}-ERROR-{number:03}")
    )
    with pytest.raises(NUMBERED[number]) as caught:
        await ASKS["order_create"](bench.aeonto)
    assert caught.value.number == number
    assert caught.value.http_status == 503
    assert "some text" not in str(caught.value)
    assert bench.pace.told == ANSWERED
    assert bench.observed == [("order_create", NUMBERED[number].__name__, 0)]


@pytest.mark.parametrize("endpoint", ASKS)
async def test_012_throttles_the_pace(
    bench: Bench, upstream: respx.MockRouter, endpoint: str
) -> None:
    upstream.route(url=f"{BASE_URL}{endpoint}/").respond(
        403, headers=JSON, text=golden.error("AEONTO-ERROR-012")
    )
    with pytest.raises(TooManyRequests):
        await ASKS[endpoint](bench.aeonto)
    assert bench.pace.told == ["throttled 1"]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/html", "<html>blocked</html>"),
        ("application/json", golden.error("XMRTO-ERROR-014")),
        ("application/json", golden.error("AEONTO-ERROR-003")),
        ("application/json", golden.CREATED),
        ("application/json", "{"),
    ],
)
async def test_any_other_403_needs_the_operator(
    bench: Bench, upstream: respx.MockRouter, content_type: str, body: str
) -> None:
    upstream.post("order_create/").respond(403, headers={"Content-Type": content_type}, text=body)
    with pytest.raises(Forbidden) as caught:
        await ASKS["order_create"](bench.aeonto)
    assert isinstance(caught.value, OperatorNeeded)
    assert bench.pace.told == ANSWERED


async def test_unknown_error_numbers_are_kept(bench: Bench, upstream: respx.MockRouter) -> None:
    upstream.post("order_create/").respond(400, headers=JSON, text=golden.error("AEONTO-ERROR-020"))
    with pytest.raises(UnknownFailure) as caught:
        await ASKS["order_create"](bench.aeonto)
    assert caught.value.number == 20


@pytest.mark.parametrize("http_status", [200, 404])
async def test_both_shapes_of_not_found_are_one_report(
    bench: Bench, upstream: respx.MockRouter, http_status: int
) -> None:
    shapes = {
        200: '{"state": "NOT_FOUND", "uuid": "aeonto-XCZEsu"}',
        404: golden.error("AEONTO-ERROR-006"),
    }
    upstream.post("order_status_query/").respond(
        http_status, headers=JSON, text=shapes[http_status]
    )
    assert await bench.look() == Report(state="NOT_FOUND", uuid="aeonto-XCZEsu")


async def test_error_inside_a_200_is_a_failure(bench: Bench, upstream: respx.MockRouter) -> None:
    upstream.post("order_create/").respond(200, headers=JSON, text=golden.error("AEONTO-ERROR-008"))
    with pytest.raises(InsufficientFunds):
        await ASKS["order_create"](bench.aeonto)
