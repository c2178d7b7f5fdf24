"""A sandbox can be served from within any event loop, and leaves it as it was."""

import signal
import socket

import httpx
import pytest

from app.sandbox import create_sandbox, esplora_urls, serve_sandbox


async def test_free_port_is_taken_and_given_back_and_signals_are_left_alone() -> None:
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    async with serve_sandbox(create_sandbox()) as base, httpx.AsyncClient(timeout=60) as http:
        assert base.startswith("http://127.0.0.1:")
        assert base.endswith("/api/v3/aeon2btc/")
        assert (await http.get(f"{base}order_parameter_query/")).status_code == 200
        while_serving = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert while_serving == handlers
    with socket.create_server(("127.0.0.1", int(base.split(":")[2].split("/")[0]))):
        pass


async def test_both_views_of_the_chain_are_served_beside_the_api() -> None:
    async with serve_sandbox(create_sandbox()) as base, httpx.AsyncClient(timeout=60) as http:
        urls = esplora_urls(base)
        heights = [(await http.get(f"{url}/blocks/tip/height")).text for url in urls]
    assert heights == ["100", "100"]


async def test_port_in_use_is_an_error_of_the_caller() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        app = create_sandbox()
        with pytest.raises(OSError, match="in use"):
            async with serve_sandbox(app, port=taken.getsockname()[1]):
                pass
        app.state.world.close()


async def test_hanging_up_without_a_socket_raises_in_process() -> None:
    app = create_sandbox()
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as http:
        await http.post("/control/faults", json={"kind": "drop"})
        with pytest.raises(ConnectionResetError):
            await http.get("/api/v3/aeon2btc/order_parameter_query/")
    app.state.world.close()
