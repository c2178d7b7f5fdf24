"""Commands of `assay` inside a test, and what they print."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from app.cli import main
from tests.support.logs import logging_restored

Assay = Callable[..., Awaitable[Result]]


@contextmanager
def commands_on(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Assay]:
    """Lend a function that runs a command; in a thread, since a command has a loop of its own."""
    monkeypatch.setenv("ASSAY_DATABASE_URL", database_url)
    runner = CliRunner()

    async def run(*arguments: str, typed: str | None = None) -> Result:
        return await asyncio.to_thread(runner.invoke, main, list(arguments), input=typed)

    with logging_restored():
        yield run


async def printed(assay: Assay, *arguments: str) -> Any:  # noqa: ANN401  any JSON
    """Run a command that must succeed, and return the JSON that it prints."""
    result = await assay(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)
