"""`./run sdk`: makes clients from the document, compiles them, and lets each buy and assess.

`--install` only installs its tools; `--write` puts the generated files of the official clients,
`clients/`, in place of those there are. Needs nothing but what `tests/sdk/tools.py` installs. The server is `assay dev`: its sandbox pays
every order by itself, in both coins. Exits with 1 where a client fails at anything.
"""

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from app.assessments.rules.receipts import ReceiptRefused, verify
from tests.sdk import official
from tests.sdk.clients import Client, Command, clients
from tests.sdk.tools import PYTHON, ToolMissing, install

_DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "openapi.json"
_START_SECONDS: Final = 120.0
_COMMAND_SECONDS: Final = 600.0


@dataclass(frozen=True)
class Outcome:
    """What came of a client: a word for each step, and what the step that failed printed."""

    client: Client
    generated: str = ""
    compiled: str = ""
    journey: str = ""
    receipt: str = ""
    printed: str = ""


class StepFailed(Exception):
    """A command of a client ended with a failure; the message is what it printed."""


def main() -> int:
    """Install, serve, make every client, print the table; return the exit status."""
    try:
        install()
    except (ToolMissing, subprocess.CalledProcessError) as fault:
        print(f"sdk: {fault}", file=sys.stderr)
        return 1
    if sys.argv[1:] == ["--install"]:
        return 0
    if sys.argv[1:] == ["--write"]:
        official.write()
        return 0
    with tempfile.TemporaryDirectory() as name, _serving(Path(name)) as url:
        keys = _public_keys(url)
        made = clients(_DOCUMENT, Path(name))
        # Compilers keep a core each busy, and journeys wait for payments.
        with ThreadPoolExecutor(4) as pool:
            outcomes = list(pool.map(lambda one: _try(one, url, Path(name), keys), made))
    _print(outcomes)
    failed = [outcome for outcome in outcomes if outcome.receipt != "verified"]
    print(f"{len(outcomes) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


def _try(client: Client, url: str, folder: Path, keys: dict[str, bytes]) -> Outcome:
    buyer = f"buyer-{secrets.token_hex(6)}"
    receipt = folder / f"{buyer}.json"
    steps = {"generated": "", "compiled": "", "journey": "", "receipt": ""}
    try:
        _run(client.generate)
        steps["generated"] = "yes"
        for command in client.compile:
            _run(command)
        steps["compiled"] = client.checked_by
        _run(client.drive, ASSAY_URL=url, BUYER=buyer, RECEIPT=str(receipt))
        steps["journey"] = "passed"
        verify(receipt.read_bytes(), keys)
        steps["receipt"] = "verified"
    except (StepFailed, ReceiptRefused, OSError) as fault:
        return Outcome(client, **steps, printed=str(fault))
    return Outcome(client, **steps)


def _run(command: Command, **variables: str) -> None:
    ended = subprocess.run(
        [str(word) for word in command],
        env={**os.environ, "PATH": f"{PYTHON}{os.pathsep}{os.environ['PATH']}", **variables},
        capture_output=True,
        text=True,
        timeout=_COMMAND_SECONDS,
        check=False,
    )
    if ended.returncode:
        raise StepFailed(
            f"{command[0]} exited with {ended.returncode}\n{ended.stdout[-3000:]}{ended.stderr[-3000:]}"
        )


def _print(outcomes: list[Outcome]) -> None:
    rows = [("generator", "generated", "compiled", "journey", "receipt")]
    rows += [
        (each.client.name, each.generated, each.compiled, each.journey, each.receipt)
        for each in outcomes
    ]
    for row in rows:
        print("| " + " | ".join(cell or "no" for cell in row) + " |")
        if row is rows[0]:
            print("|" + "---|" * len(row))
    for each in outcomes:
        if each.printed:
            print(f"\n{each.client.name}:\n{each.printed}")


def _public_keys(url: str) -> dict[str, bytes]:
    answer = httpx.get(f"{url}/.well-known/assay-keys.json", trust_env=False).raise_for_status()
    return {key["key_id"]: bytes.fromhex(key["public_key"]) for key in answer.json()["keys"]}


@contextmanager
def _serving(folder: Path) -> Iterator[str]:
    """Run `assay dev` on a free port while the body runs; give its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {"ASSAY_PORT": str(port), "ASSAY_DATA_DIR": str(folder / "data")}
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "dev"],
            env={**os.environ, **settings},
            stdout=log,
            stderr=log,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_ready(server, url, folder / "server.log")
        yield url
    finally:
        server.terminate()
        server.wait()


def _wait_until_ready(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            if httpx.get(f"{url}/readyz", trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass
        if server.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"sdk: the server did not start:\n{log.read_text()[-3000:]}")
        time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())
