"""The strict reader of JSON bodies, over HTTP, with hostile ones."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import Message

from app.web.request_body import BODY_LIMIT_BYTES, parse
from app.web.request_errors import MalformedBody
from tests.support.cases import each_case
from tests.web.small_app import GOOD_ORDER, KEY, client_of, create_small_app

GOOD = json.dumps(GOOD_ORDER).encode()
MALFORMED = {
    "empty": (b"", "The body is empty; send one JSON object"),
    "latin-1": (b'{"payment_coin": "\xe9"}', "The body is not UTF-8"),
    "utf-16": (GOOD.decode().encode("utf-16"), "The body is not UTF-8"),
    "surrogate in utf-8": (b'{"payment_coin": "\xed\xa0\x80"}', "The body is not UTF-8"),
    "cut": (b'{"number_of_credits": 10', "The body is not valid JSON at line 1, column 25"),
    "trailing": (GOOD + b"x", None),
    "two values": (GOOD + GOOD, None),
    "byte order mark": (b"\xef\xbb\xbf" + GOOD, None),
    "single quotes": (b"{'a': 1}", None),
    "comment": (b"{} // no", None),
    "trailing comma": (b'{"a": 1,}', None),
    "leading zero": (b'{"number_of_credits": 010}', None),
    "raw control character": (b'{"payment_coin": "a\nb"}', None),
    "blanks": (b"   ", None),
    "duplicate key": (
        b'{"number_of_credits": 1, "number_of_credits": 2}',
        "The body names a key twice in one object",
    ),
    "duplicate key by escape": (
        b'{"a": 1, "\\u0061": 2}',
        "The body names a key twice in one object",
    ),
    "duplicate key inside": (
        b'{"x": [{"a": 1, "a": 1}]}',
        "The body names a key twice in one object",
    ),
    "NaN": (b'{"number_of_credits": NaN}', "NaN"),
    "Infinity": (b'{"number_of_credits": Infinity}', "NaN"),
    "-Infinity": (b'{"x": [-Infinity]}', "NaN"),
    "1e999": (b'{"number_of_credits": 1e999}', "The body has a number that is too large"),
    "-1e999": (b'{"unknown": -1e999}', "The body has a number that is too large"),
    "5,000 digits": (
        b'{"number_of_credits": ' + b"9" * 5000 + b"}",
        "The body has a number with too many digits",
    ),
    "NUL": (b'{"payment_coin": "a\x00b"}', "The body has a NUL character"),
    "NUL outside a string": (b'{"a": 1}\x00', "The body has a NUL character"),
    "escaped NUL": (b'{"payment_coin": "a\\u0000b"}', "The body has a NUL character"),
    "escaped NUL in a key": (b'{"a\\u0000": 1}', "The body has a NUL character"),
    "escaped NUL deep down": (b'{"x": [{"y": "\\u0000"}]}', "The body has a NUL character"),
    "lone high surrogate": (
        b'{"payment_coin": "\\ud800"}',
        "The body has half of a surrogate pair",
    ),
    "lone low surrogate in a key": (
        b'{"\\udfff": 1}',
        "The body has half of a surrogate pair",
    ),
    "surrogates the wrong way round": (
        b'{"x": ["\\udc00\\ud800"]}',
        "The body has half of a surrogate pair",
    ),
    "17 deep": (b'{"x":' * 16 + b"[]" + b"}" * 16, "The body is nested deeper than 16 levels"),
    "8,000 deep": (b"[" * 8000 + b"]" * 8000, "The body is nested deeper than 16 levels"),
    "16,000 open": (b'{"x":' + b"[" * 16000, "The body is nested deeper than 16 levels"),
    "a list": (b"[]", "The body must be one JSON object"),
    "a string": (b'"x"', "The body must be one JSON object"),
    "null": (b"null", "The body must be one JSON object"),
    "a number": (b"7", "The body must be one JSON object"),
}


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(create_small_app()) as client:
        yield client


async def test_a_good_body_passes(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/new_order", content=GOOD)
    assert answer.status_code == 201
    assert answer.json() == {"text": "Aeon", "at": "2026-11-22T12:00:00Z"}


@each_case("name", MALFORMED)
async def test_a_malformed_body_is_one_400_that_says_which(
    client: httpx.AsyncClient, name: str
) -> None:
    body, detail = MALFORMED[name]
    answer = await client.post("/api/new_order", content=body)
    problem = answer.json()
    assert answer.status_code == 400
    assert problem.keys() == {"detail", "code", "request_id"}
    assert problem["code"] == "malformed_body"
    assert problem["detail"].startswith(
        {
            None: "The body is not valid JSON at line ",
            "NaN": "The body has NaN or Infinity, which JSON does not have",
        }.get(detail, detail)
    )


@each_case("name", MALFORMED)
async def test_an_unknown_caller_learns_nothing_of_a_malformed_body(
    client: httpx.AsyncClient, name: str
) -> None:
    body, _ = MALFORMED[name]
    answer = await client.post("/api/new_order", content=body, headers={"X-API-KEY": "wrong"})
    assert answer.status_code == 403
    assert answer.json()["detail"] == "Invalid API key."


@each_case(
    ("body", "accepted"),
    [
        (b'{"x":' * 15 + b"[]" + b"}" * 15, True),  # sixteen levels
        (b'{"x": "' + b"[" * 50 + b'"}', True),  # brackets in a string are no levels
        (b'{"x": "\\"' + b"[" * 50 + b'"}', True),
        (b"{" + b",".join(b'"k%d": []' % i for i in range(50)) + b"}", True),  # wide, not deep
        (b'{"x": "\\ud83d\\ude00 \\\\u0000 \\u00e9"}', True),  # a pair, an escaped backslash
    ],
)
def test_what_only_looks_deep_or_broken_is_read(body: bytes, accepted: bool) -> None:
    assert parse(body) == json.loads(body)


def test_quotes_that_never_end_are_read_in_linear_time() -> None:
    hostile = b'{"x":' + b"[" * 20 + b'"' + b'\\"' * 120_000
    with pytest.raises(MalformedBody):
        parse(hostile)


@each_case(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "application/json; charset=latin-1",
        "application/vnd.api+json",
        "application/jsonx",
        "",
        "json",
    ],
)
async def test_another_content_type_is_415_before_the_caller_is_known(
    client: httpx.AsyncClient, content_type: str
) -> None:
    answer = await client.post(
        "/api/new_order", content=GOOD, headers={"Content-Type": content_type, "X-API-KEY": "wrong"}
    )
    assert answer.status_code == 415
    assert answer.json()["detail"] == "Content-Type must be application/json"


async def test_no_content_type_is_415() -> None:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(create_small_app()), base_url="http://assay"
    ) as client:
        assert (await client.post("/api/new_order", content=GOOD)).status_code == 415


async def test_two_content_types_are_415(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/api/new_order",
        content=GOOD,
        headers=[("Content-Type", "application/json"), ("Content-Type", "text/plain")],
    )
    assert answer.status_code == 415


@each_case(
    "content_type",
    [
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        'Application/JSON; charset="utf-8"',
        "application/json;",
    ],
)
async def test_json_may_name_its_charset(client: httpx.AsyncClient, content_type: str) -> None:
    answer = await client.post(
        "/api/new_order", content=GOOD, headers={"Content-Type": content_type}
    )
    assert answer.status_code == 201


@each_case("encoding", ["gzip", "deflate", "br", "identity, gzip"])
async def test_a_compressed_body_is_415(client: httpx.AsyncClient, encoding: str) -> None:
    answer = await client.post(
        "/api/new_order", content=GOOD, headers={"Content-Encoding": encoding}
    )
    assert answer.status_code == 415
    assert answer.json()["detail"] == "The body must not be compressed: no Content-Encoding"


async def test_content_encoding_identity_is_no_compression(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/api/new_order", content=GOOD, headers={"Content-Encoding": "identity"}
    )
    assert answer.status_code == 201


def padded(size: int) -> bytes:
    return GOOD[:-1] + b" " * (size - len(GOOD)) + b"}"


async def in_chunks(body: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


@each_case("key", [KEY, "wrong"])
@each_case("length", [str(BODY_LIMIT_BYTES + 1), "9" * 5000, "000016385"])
async def test_a_content_length_over_the_limit_is_413_before_the_caller_is_known(
    client: httpx.AsyncClient, key: str, length: str
) -> None:
    answer = await client.post(
        "/api/new_order", content=GOOD, headers={"Content-Length": length, "X-API-KEY": key}
    )
    assert answer.status_code == 413
    assert answer.json()["detail"] == "The body must be at most 16384 bytes"
    assert answer.headers["Connection"] == "close"


async def test_a_body_of_exactly_the_limit_passes(client: httpx.AsyncClient) -> None:
    assert (
        await client.post("/api/new_order", content=padded(BODY_LIMIT_BYTES))
    ).status_code == 201


async def test_a_chunked_body_over_the_limit_is_413_once_the_caller_is_known(
    client: httpx.AsyncClient,
) -> None:
    body = padded(BODY_LIMIT_BYTES + 1)
    answer = await client.post("/api/new_order", content=in_chunks(body))
    assert answer.status_code == 413
    answer = await client.post(
        "/api/new_order", content=in_chunks(body), headers={"X-API-KEY": "wrong"}
    )
    assert answer.status_code == 403


async def test_a_content_length_that_lies_does_not_help(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/api/new_order", content=padded(BODY_LIMIT_BYTES + 1), headers={"Content-Length": "10"}
    )
    assert answer.status_code == 413


async def test_an_endless_body_is_not_read_to_its_end(client: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b" " * 4096

    answer = await client.post("/api/new_order", content=endless())
    assert answer.status_code == 413
    assert sent == 5  # four fill the limit, the fifth breaks it


async def test_a_route_may_take_more(client: httpx.AsyncClient) -> None:
    ids = [f"{number:0>200}" for number in range(1000)]
    answer = await client.post("/wide", json={"ids": ids})
    assert answer.status_code == 200
    assert answer.json()["text"] == "1000"
    answer = await client.post("/wide", content=b" " * (256 * 1024 + 1))
    assert answer.status_code == 413


async def slowly(body: bytes) -> AsyncIterator[bytes]:
    for byte in body:
        await asyncio.sleep(0.005)
        yield bytes([byte])


async def test_a_body_that_takes_too_long_in_all_is_408(client: httpx.AsyncClient) -> None:
    answer = await client.post("/hasty", content=slowly(GOOD))
    assert answer.status_code == 408
    assert answer.json()["detail"] == "The body must arrive within 0.02 seconds"
    assert answer.headers["Connection"] == "close"


async def test_a_slow_body_of_an_unknown_caller_is_403(client: httpx.AsyncClient) -> None:
    answer = await client.post("/hasty", content=slowly(GOOD), headers={"X-API-KEY": "wrong"})
    assert answer.status_code == 403


async def test_a_caller_who_hangs_up_makes_no_fault() -> None:
    app = create_small_app()
    messages: list[Message] = [
        {"type": "http.request", "body": b'{"num', "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/new_order",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json"), (b"x-api-key", b"right")],
    }
    await app(scope, receive, send)
    assert sent[0]["status"] == 499
    assert app.state.metrics.registry.get_sample_value(
        "assay_http_requests_total",
        {"method": "POST", "route": "/api/new_order", "status": "499"},
    )


async def test_a_dependency_may_read_the_body_itself(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/sent_coin", content=GOOD)
    assert answer.json()["text"] == "Aeon/Aeon"


@each_case("body", [b"{", b"[]", b'{"payment_coin": 5}', b"{}"])
async def test_a_dependency_that_reads_a_bad_body_gets_nothing_and_raises_nothing(
    client: httpx.AsyncClient, body: bytes
) -> None:
    assert (await client.post("/api/sent_coin", content=body)).status_code == 400


async def test_a_route_without_a_body_asks_for_no_content_type(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/pages", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 200


@given(body=st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
@settings(max_examples=300, deadline=None)
async def test_no_bytes_at_all_make_a_5xx_or_a_422(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/api/new_order", content=body)
    assert answer.status_code in (201, 400)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=20,
)
CANARY = "cAnArY"


@given(
    body=st.fixed_dictionaries(
        {},
        optional={
            name: json_values | st.just(CANARY) | st.just([CANARY]) | st.just({CANARY: CANARY})
            for name in (*GOOD_ORDER, "access_code", "unknown")
        },
    )
)
@settings(max_examples=300, deadline=None)
async def test_no_json_makes_a_5xx_or_a_422_and_no_error_echoes_it(
    client: httpx.AsyncClient, body: dict[str, object]
) -> None:
    answer = await client.post("/api/new_order", content=json.dumps(body).encode())
    assert answer.status_code in (201, 400)
    if answer.status_code == 400:
        assert CANARY not in answer.text


@each_case("name", MALFORMED)
async def test_no_malformed_body_is_echoed(client: httpx.AsyncClient, name: str) -> None:
    body, _ = MALFORMED[name]
    answer = await client.post(
        "/api/new_order", content=body.replace(b"payment_coin", CANARY.encode())
    )
    assert CANARY not in answer.text
