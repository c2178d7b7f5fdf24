"""Schemathesis, all checks and all phases, against the real application over real HTTP.

The phase that goes through every boundary of a schema is by far the longest: without `--all` only
orders and assessments have it.
"""

import asyncio
import string
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import httpx
import pytest
from structlog.testing import capture_logs

from app.accounts.rules import throttles
from app.accounts.rules.throttles import Throttle
from app.runtime.db.engine import Database
from tests.support.people import make_access_code, make_user
from tests.support.processes import environment
from tests.support.server import Served, learn_parameters, serve_application

_HERE: Final = Path(__file__).parent
_WITHOUT_COVERAGE: Final = """
[[operations]]
include-tag = ["accounts", "access codes", "api keys", "health"]
exclude-operation-id = ["login", "logout"]
phases.coverage.enabled = false
"""
# Per operation: enough for every phase; with `--all`, more of each.
_MAX_EXAMPLES, _MAX_EXAMPLES_OF_EVERYTHING = 3, 20
_ORDER: Final = {
    "number_of_credits": 10,
    "payment_coin": "Aeon",
    "payment_network": "AEON",
    "order_is_for_self": True,
}
_QUESTION: Final = {
    "assessment_type": "address",
    "address": "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
    "currency": "BTC",
}


@pytest.fixture
async def served(
    committed_database: Database, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Served]:
    """A server whose streams send what there is and end: each answer is read to its end."""
    monkeypatch.setattr("app.web.event_stream.LONGEST_SECONDS", 0.0)
    async with serve_application(committed_database, trusted_proxies="127.0.0.1") as served:
        await learn_parameters(served.database, served.clock.now())
        yield served


async def _known(served: Served) -> dict[str, str]:
    """Make a caller with credits and something of everything; return the variables that say so."""
    now = served.clock.now()
    user = await make_user(served.database, now, credits_given=1_000_000)
    code = await make_access_code(served.database, user, now, credits_given=1_000_000)
    async with httpx.AsyncClient(
        base_url=served.base_url, headers=user.headers, timeout=60
    ) as http:
        order = await http.post("/api/new_order", json=_ORDER)
        assessment = await http.post(
            "/api/create_new_assessment_for_access_code",
            json=_QUESTION | {"access_code": code.access_code},
        )
    return {
        "CONFORMANCE_URL": served.base_url,
        "CONFORMANCE_API_KEY": user.api_key,
        "CONFORMANCE_ACCESS_CODE": str(code.access_code),
        "CONFORMANCE_ORDER_ID": order.json()["order_id"],
        "CONFORMANCE_ASSESSMENT_ID": assessment.json()["assessment_id"],
    }


async def test_schemathesis_with_all_checks_finds_nothing(
    served: Served, tmp_path: Path, everything: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What lies behind an access code is to be reached, however many were made up in this minute.
    monkeypatch.setattr(throttles, "BAD_CODES", Throttle("bad-codes", 1_000_000))
    most = _MAX_EXAMPLES_OF_EVERYTHING if everything else _MAX_EXAMPLES
    known = await _known(served)
    configuration = tmp_path / "schemathesis.toml"
    template = string.Template((_HERE / "schemathesis.toml").read_text(encoding="utf-8"))
    written = template.substitute(known) + ("" if everything else _WITHOUT_COVERAGE)
    configuration.write_text(written, encoding="utf-8")

    with capture_logs() as logs:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(configuration)),
            *("run", f"{served.base_url}/openapi.json", "--no-color"),
            *("--max-examples", str(most)),
            cwd=tmp_path,
            env=environment(PYTHONPATH=str(_HERE.parents[1]), **known),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()

    report = output.decode()
    assert process.returncode == 0, report
    for phase in ("Examples", "Coverage", "Fuzzing", "Stateful"):
        assert f"✅ {phase}" in report
    assert [entry for entry in logs if entry["log_level"] in ("error", "critical")] == []
