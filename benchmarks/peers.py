"""The Django REST Framework peer: its environment, its rows, its server and its calls."""

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import make_url

from app.runtime.security import read_api_key
from benchmarks.calls import ORDER, Call
from benchmarks.ceilings import DSN_VARIABLE
from benchmarks.load import Request
from benchmarks.measuring import say
from benchmarks.servers import Server, clean_environment, free_port, serving
from benchmarks.stage import Stage
from benchmarks.world import Caller, World, connect, dsn_of

PEER: Final = "peer"
PEER_READ: Final = "DRF check_order_status"
PEER_WRITE: Final = "DRF new_order"
_LOCK: Final = Path(__file__).parent / "peer" / "requirements.lock"
_THREADS: Final = 8
_ORDERS: Final = 5000
_ROWS: Final = (
    "INSERT INTO peer_account (id) SELECT generate_series(1, cardinality($1::text[]))",
    """INSERT INTO peer_apikey (prefix, secret_hash, account_id)
        SELECT prefix, hash, number
        FROM unnest($1::text[], $2::bytea[]) WITH ORDINALITY k(prefix, hash, number)""",
)
_ORDER_ROWS: Final = """
    INSERT INTO peer_order (id, buyer_id, status, number_of_credits, credit_price_btc,
        payment_coin, payment_network, btc_amount, created_at, updated_at)
    SELECT id, buyer, 'TO_BE_CREATED', 10, 0.0005, 'Aeon', 'AEON', 0.005, now(), now()
    FROM unnest($1::uuid[], $2::bigint[]) o(id, buyer)"""


class PeerNotInstalled(Exception):
    """The environment of the peer could not be made; the message says why."""


@asynccontextmanager
async def peer_serving(stage: Stage, world: World) -> AsyncIterator[tuple[Server, list[Call]]]:
    """Run the peer on a database of its own, with the callers of the world; yield its calls."""
    python = await asyncio.to_thread(_environment)
    url = make_url(stage.server_url).set(database="peer").render_as_string(hide_password=False)
    connection = await connect(stage.server_url)
    await connection.execute('CREATE DATABASE "peer"')
    await connection.close()
    port = free_port()
    environment = clean_environment(
        {DSN_VARIABLE: dsn_of(url), "DJANGO_SETTINGS_MODULE": "benchmarks.peer.settings"}
    )
    migrate = [str(python), "-m", "django", "migrate", "--run-syncdb", "--verbosity", "0"]
    await asyncio.to_thread(_run, migrate, environment)
    orders = await _write_rows(url, world.callers)
    options = ["--bind", f"127.0.0.1:{port}", "--workers", "1", "--threads", str(_THREADS)]
    command = [str(python), "-m", "gunicorn", *options, "benchmarks.peer.wsgi:application"]
    async with serving(
        PEER,
        command,
        folder=stage.subfolder(PEER),
        port=port,
        environment=environment,
        ready="/ready",
    ) as server:
        yield server, _calls(world.callers, orders)


def _environment() -> Path:
    """Return the Python of the peer's environment, made in a cache folder for these pins."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "assay-benchmark"
    pins = hashlib.sha256(_LOCK.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = cache / f"peer-{pins}"
    python = folder / "bin" / "python"
    if python.exists():
        return python
    say(f"installing the peer into {folder}")
    cache.mkdir(parents=True, exist_ok=True)
    unfinished = cache / f"unfinished-{os.getpid()}"
    try:
        _run([sys.executable, "-m", "venv", str(unfinished)], dict(os.environ))
        pip = [str(unfinished / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-deps"]
        pip += ["--disable-pip-version-check", "--require-hashes", "-r", str(_LOCK)]
        _run(pip, dict(os.environ))
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return python


def _run(command: Sequence[str], environment: dict[str, str]) -> None:
    done = subprocess.run(  # noqa: S603
        command, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        words = (done.stdout + done.stderr)[-2000:]
        raise PeerNotInstalled(f"{' '.join(command)} ended with {done.returncode}:\n{words}")


async def _write_rows(url: str, callers: Sequence[Caller]) -> list[str]:
    """Write the callers with their keys, and orders of theirs in turn; return the orders' ids."""
    keys = [key for one in callers if (key := read_api_key(one.api_key)) is not None]
    ids = [uuid.uuid4() for _ in range(_ORDERS)]
    connection = await connect(url)
    try:
        prefixes = [prefix for prefix, _ in keys]
        await connection.execute(_ROWS[0], prefixes)
        await connection.execute(_ROWS[1], prefixes, [secret_hash for _, secret_hash in keys])
        buyers = [number % len(keys) + 1 for number in range(_ORDERS)]
        await connection.execute(_ORDER_ROWS, ids, buyers)
        await connection.execute("ANALYZE")
    finally:
        await connection.close()
    return [str(one) for one in ids]


def _calls(callers: Sequence[Caller], orders: Sequence[str]) -> list[Call]:
    reads = [
        Request(
            "POST",
            "/check_order_status",
            callers[number % len(callers)].api_key,
            json.dumps({"order_id": order_id}),
        )
        for number, order_id in enumerate(orders)
    ]
    writes = [Request("POST", "/new_order", one.api_key, json.dumps(ORDER)) for one in callers]
    return [Call(PEER_READ, PEER, reads), Call(PEER_WRITE, PEER, writes)]
