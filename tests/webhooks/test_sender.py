"""Sending one webhook: to a checked address, within a deadline, with a bounded answer."""

import asyncio
import ssl
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

import httpcore
import pytest

from app.webhooks.connecting import CheckedBackend
from app.webhooks.rules.public_addresses import IPAddress
from app.webhooks.rules.urls import Policy
from app.webhooks.sender import MAX_ANSWER_BYTES, Attempt, WebhookSender
from tests.support.cases import all_cases
from tests.support.tls import Authority
from tests.webhooks.receiver import Receiver, receiving, status

LOOPBACK = Policy(http_to_loopback=True)
BODY = b'{"type":"webhook.test"}'


def names(**found: str) -> "Names":
    return Names({name.replace("_", "."): text.split() for name, text in found.items()})


class Names:
    """Names and their addresses; keeps which were looked up."""

    def __init__(self, found: dict[str, list[str]]) -> None:
        self._found = found
        self.asked: list[str] = []

    async def resolve(self, host: str, _port: int) -> Sequence[IPAddress]:
        self.asked.append(host)
        return [ip_address(text) for text in self._found[host]]


async def post(sender: WebhookSender, url: str) -> Attempt:
    try:
        return await sender.send(url, {"webhook-id": "evt_1"}, BODY)
    finally:
        await sender.aclose()


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The addresses that connections were tried to; none is made."""
    tried: list[tuple[str, int]] = []

    async def connect_tcp(
        _self: object, host: str, port: int, *_: object, **__: object
    ) -> httpcore.AsyncNetworkStream:
        tried.append((host, port))
        raise httpcore.ConnectError

    monkeypatch.setattr("httpcore.AnyIOBackend.connect_tcp", connect_tcp)
    return tried


async def test_any_refused_address_of_a_name_refuses_it_before_a_connection(
    connected: list[tuple[str, int]],
) -> None:
    bad = ("127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1")
    with all_cases() as cases:
        for address in bad:
            for found in (address, f"8.8.8.8 {address}", f"{address} 2606:4700:4700::1111"):
                with cases.case(found):
                    resolver = names(shop_example=found)
                    attempt = await post(
                        WebhookSender(Policy(), resolve=resolver.resolve), "https://shop.example/"
                    )
                    assert attempt.error is not None
                    assert "not public" in attempt.error
                    assert attempt.http_status is None
    assert connected == []


async def test_name_is_looked_up_once_and_all_connections_go_to_what_was_found(
    connected: list[tuple[str, int]],
) -> None:
    resolver = names(shop_example="8.8.8.8 2001:4860:4860::8888")
    sender = WebhookSender(Policy(), resolve=resolver.resolve)
    attempt = await post(sender, "https://shop.example:8443/")
    assert connected == [("8.8.8.8", 8443), ("2001:4860:4860::8888", 8443)]
    assert resolver.asked == ["shop.example"]
    assert attempt.error == "No connection could be made"


async def test_address_in_the_url_is_checked_at_each_sending(
    connected: list[tuple[str, int]],
) -> None:
    """A URL that was stored is no proof: rules and settings change."""
    for url in ("https://127.0.0.1/", "http://8.8.8.8/", "https://[::ffff:10.0.0.1]/"):
        attempt = await post(WebhookSender(Policy()), url)
        assert attempt.error is not None
        assert attempt.error.startswith("The URL is not allowed")
    backend = CheckedBackend(Policy(), Names({}).resolve)
    with pytest.raises(httpcore.ConnectError):
        await backend.connect_tcp("127.0.0.1", 443)
    assert connected == []


async def test_certificate_and_host_are_those_of_the_name_while_the_address_is_pinned(
    tmp_path: Path,
) -> None:
    authority = Authority(tmp_path, "authority")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("shop.example"))
    trusted = ssl.create_default_context(cafile=str(authority.root))
    resolver = names(shop_example="127.0.0.1", other_example="127.0.0.1")

    def sender() -> WebhookSender:
        return WebhookSender(LOOPBACK, resolve=resolver.resolve, trusted=trusted)

    async with receiving(tls=context) as receiver:
        url = f"https://shop.example:{receiver.port}/a?b=c"
        attempt = await post(sender(), url)
        other = await post(sender(), f"https://other.example:{receiver.port}/")
        untrusted = await post(WebhookSender(LOOPBACK, resolve=resolver.resolve), url)
    assert (attempt.http_status, attempt.error) == (204, None)
    [received] = receiver.requests
    assert received.line == "POST /a?b=c HTTP/1.1"
    assert received.headers["host"] == f"shop.example:{receiver.port}"
    assert received.headers["content-type"] == "application/json"
    assert received.headers["webhook-id"] == "evt_1"
    assert received.body == BODY
    for refused in (other, untrusted):
        assert refused.error is not None
        assert "certificate" in refused.error


async def test_redirects_are_failures_and_are_not_followed() -> None:
    async with receiving() as receiver:
        for code in (300, 301, 302, 303, 304, 307, 308):
            receiver.answer = status(code, f"Location: {receiver.url('/elsewhere')}")
            attempt = await post(WebhookSender(LOOPBACK), receiver.url())
            assert attempt.http_status == code
            assert not attempt.succeeded
    assert {received.line for received in receiver.requests} == {"POST /hooks HTTP/1.1"}


async def test_every_2xx_is_success_and_all_else_is_not() -> None:
    async with receiving() as receiver:
        for code, succeeds in ((200, True), (202, True), (299, True), (400, False), (500, False)):
            receiver.answer = status(code, body="hello")
            attempt = await post(WebhookSender(LOOPBACK), receiver.url())
            assert attempt.succeeded is succeeds, code
            assert (attempt.http_status, attempt.answer) == (code, b"hello")


async def test_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with receiving() as receiver:
        assert (await post(WebhookSender(LOOPBACK), receiver.url())).succeeded


async def test_answer_is_read_up_to_64_kib() -> None:
    async with receiving() as receiver:
        receiver.answer = status(200, body="x" * 1_000_000)
        attempt = await post(WebhookSender(LOOPBACK), receiver.url())
        assert attempt.succeeded
        assert attempt.answer == b"x" * MAX_ANSWER_BYTES == b"x" * 65_536
        receiver.answer = b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1_000_000 + b"\r\n\r\n"
        endless_head = await post(WebhookSender(LOOPBACK), receiver.url())
    assert not endless_head.succeeded


async def test_receiver_that_says_nothing_is_left_at_the_deadline() -> None:
    async with receiving() as receiver:
        receiver.stalls = True
        attempt = await post(WebhookSender(LOOPBACK, deadline_seconds=0.05), receiver.url())
    assert attempt.error == "No whole answer within 0.05 seconds"
    assert attempt.http_status is None


async def test_status_decides_when_the_body_of_the_answer_never_ends() -> None:
    heads = {200: True, 500: False}
    for code, succeeds in heads.items():
        async with receiving() as receiver:
            receiver.answer = f"HTTP/1.1 {code} x\r\nContent-Length: 9\r\n\r\nhel".encode()
            attempt = await post(WebhookSender(LOOPBACK), receiver.url())
        assert (attempt.http_status, attempt.succeeded) == (code, succeeds)
        assert attempt.answer == b"hel"


async def test_broken_answers_and_connections_are_failures_that_say_so() -> None:
    async with receiving() as receiver:
        for broken in (b"", b"nonsense\r\n\r\n", b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\nX y\r\n\r\n"):
            receiver.answer = broken
            attempt = await post(WebhookSender(LOOPBACK), receiver.url())
            assert attempt.error == "The connection broke off before the answer", broken
    nobody = await post(WebhookSender(LOOPBACK), receiver.url())
    assert nobody.error == "No connection could be made"


async def test_name_without_addresses_is_a_failure_that_says_so() -> None:
    async def none(host: str, port: int) -> Sequence[IPAddress]:
        raise OSError(host, port)

    attempt = await post(WebhookSender(Policy(), resolve=none), "https://shop.example/")
    assert attempt.error == "The name in the URL was not found"


async def test_slow_names_do_not_outlast_the_deadline() -> None:
    async def never(host: str, port: int) -> Sequence[IPAddress]:
        await asyncio.Event().wait()
        return [ip_address(host), ip_address(port)]

    sender = WebhookSender(Policy(), resolve=never, deadline_seconds=0.05)
    attempt = await post(sender, "https://shop.example/")
    assert attempt.error == "No whole answer within 0.05 seconds"


async def test_system_resolves_localhost() -> None:
    async with receiving() as receiver:
        url = receiver.url(host="localhost")
        attempt = await post(WebhookSender(LOOPBACK), url)
    assert attempt.succeeded
    assert _hosts(receiver) == {f"localhost:{receiver.port}"}


def _hosts(receiver: Receiver) -> set[str]:
    return {received.headers["host"] for received in receiver.requests}
