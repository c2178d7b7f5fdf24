"""Secrets stay where they belong: canaries go through everything, and are looked for afterwards."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from sqlalchemy import make_url, text

from app.orders.wallet.wallet import Wallet
from app.runtime.db.engine import Database
from tests.orders.wallet.keys import BIP84_ZPUB, spelled
from tests.support.application import BTC_DEST_ADDRESS
from tests.support.processes import Process, free_port

PASSWORD: Final = "canary-password-Wk3vTq"
NEW_PASSWORD: Final = "canary-password-Zr8mLd"
WRONG_PASSWORD: Final = "canary-guess-Hx5nBs"
UNKNOWN_KEY: Final = "canary-key-Pf2dQj"
ESPLORA_TOKEN: Final = "canary-path-Vb6yRc"
WALLET: Final = (
    BIP84_ZPUB,
    spelled(BIP84_ZPUB, "xpub"),
    Wallet.from_text(BIP84_ZPUB).descriptor,
)


class Spy:
    """Sends requests to a real process, and keeps every body of a refusal."""

    def __init__(self, base_url: str) -> None:
        self._http = httpx.AsyncClient(base_url=base_url, trust_env=False, timeout=60)
        self.refusals: list[str] = []

    async def ask(self, path: str, body: object = None, **headers: str) -> Any:  # noqa: ANN401
        """Post JSON, or text as it is, or get without a body; return what came back."""
        sent: dict[str, Any] = {"content": body} if isinstance(body, str) else {"json": body}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named |= {"Content-Type": "application/json"}
        method = "GET" if body is None else "POST"
        answer = await self._http.request(method, f"/api/{path}", headers=named, **sent)
        if not answer.is_success:
            self.refusals.append(answer.text)
        return answer.json() if answer.content else None

    async def read(self, path: str) -> str:
        """Get a page."""
        return (await self._http.get(path)).text

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()


@pytest.fixture
async def process(tmp_path: Path, database_url: str) -> AsyncIterator[tuple[Process, str]]:
    """`assay serve`, with an AEON.to that nobody serves."""
    port = str(free_port())
    process = Process(
        "serve",
        folder=tmp_path,
        ASSAY_PORT=port,
        ASSAY_DATABASE_URL=database_url,
        ASSAY_BTC_DEST_ADDRESS=BTC_DEST_ADDRESS,
        ASSAY_AEONTO_BASE_URL=f"http://127.0.0.1:{free_port()}/",
        ASSAY_ESPLORA_URL=f"http://127.0.0.1:{free_port()}/{ESPLORA_TOKEN}/",
        ASSAY_BITCOIN_DESCRIPTOR=BIP84_ZPUB,
    )
    process.start()
    await process.until_ready(f"http://127.0.0.1:{port}/readyz")
    yield process, f"http://127.0.0.1:{port}"
    process.end()


async def live(spy: Spy) -> list[str]:
    """Use every secret rightly and wrongly; return those that were given out."""
    email = "canary@example.com"
    await spy.ask("register", {"email": email, "password": PASSWORD})
    await spy.ask("register", {"email": email, "password": PASSWORD})
    await spy.ask("login", {"email": email, "password": WRONG_PASSWORD})
    await spy.ask("login", {"email": "nobody@example.com", "password": WRONG_PASSWORD})
    session = (await spy.ask("login", {"email": email, "password": PASSWORD}))["session_token"]
    bearer = {"Authorization": f"Bearer {session}"}
    key = (await spy.ask("api_keys", {}, **bearer))["api_key"]
    code = (await spy.ask("access_codes", {}, X_API_KEY=key))["access_code"]
    order = {"number_of_credits": 10, "payment_coin": "Aeon", "payment_network": "AEON"}
    await spy.ask("new_order", {**order, "order_is_for_self": True}, X_API_KEY=key)
    await spy.ask(
        "new_order", {**order, "order_is_for_self": False, "access_code": code}, X_API_KEY=key
    )
    in_bitcoin = {**order, "payment_coin": "Bitcoin", "payment_network": "BTC"}
    placed = await spy.ask("new_order", {**in_bitcoin, "order_is_for_self": True}, X_API_KEY=key)
    await spy.ask("check_order_status", {"order_id": placed["order_id"]}, X_API_KEY=key)
    await spy.ask("new_order", {**in_bitcoin, "payment_network": "x"}, X_API_KEY=key)
    await spy.ask("check_access_code_status", {"access_code": code[::-1]}, X_API_KEY=key)
    await spy.ask("check_access_code_status", {"access_code": code}, X_API_KEY=UNKNOWN_KEY)
    await spy.ask("check_access_code_status", {"access_code": code}, X_API_KEY=key[:-1])
    await spy.ask(f"check_self_status?api_key={key}&token={session}")
    await spy.ask("check_self_status", Authorization=f"Bearer {session[:-1]}")
    await spy.ask("login", f'{{"email": "{email}", "password": "{PASSWORD}",, }}')
    await spy.ask("login", {"email": email, "password": [PASSWORD]})
    await spy.ask("change_password", {"password": WRONG_PASSWORD, "new_password": "x"}, **bearer)
    changed = {"password": PASSWORD, "new_password": NEW_PASSWORD}
    await spy.ask("change_password", changed, **bearer)
    await spy.ask("check_self_status", **bearer)
    return [session, key, key.split("_")[2], code]


async def dump(database: Database) -> str:
    """Write out every row of every table."""
    async with database.reading() as connection:
        tables = await connection.scalars(
            text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        )
        rows = [
            str(row)
            for table in tables.all()
            for row in await connection.scalars(text(f'SELECT t::text FROM "{table}" t'))  # noqa: S608
        ]
    return "\n".join(rows)


async def test_no_secret_is_in_logs_metrics_refusals_or_the_database(
    process: tuple[Process, str], database_url: str, committed_database: Database
) -> None:
    served, base_url = process
    spy = Spy(base_url)
    session, key, key_secret, code = await live(spy)
    metrics = await spy.read("/metrics")
    await spy.aclose()
    database_password = str(make_url(database_url).password)
    stored = await dump(committed_database)
    logs = served.output.read_text()
    secrets = [PASSWORD, NEW_PASSWORD, WRONG_PASSWORD, UNKNOWN_KEY, session, key, key_secret]
    assert len(spy.refusals) >= 10
    assert "canary@example.com" in stored, "the dump is not of what was done"
    assert '"event"' in logs
    for place in (logs, metrics, stored, *spy.refusals):
        assert [secret for secret in (*secrets, database_password) if secret in place] == []
        assert "Traceback" not in place
    for place in (logs, metrics, *spy.refusals):
        assert [secret for secret in (code, ESPLORA_TOKEN, *WALLET) if secret in place] == []
    assert WALLET[-1] in stored, "nobody was given an address of the wallet"


async def test_password_is_stored_by_argon2id_with_the_cost_that_is_promised(
    process: tuple[Process, str], committed_database: Database
) -> None:
    spy = Spy(process[1])
    await spy.ask("register", {"email": "canary@example.com", "password": PASSWORD})
    await spy.aclose()
    cost = re.search(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$", await dump(committed_database))
    assert cost is not None
    memory_kib, passes, lanes = map(int, cost.groups())
    assert memory_kib >= 19 * 1024
    assert passes >= 2
    assert lanes >= 1
