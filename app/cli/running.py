"""Runs a command's coroutine to its end or to a signal; says a fault with a plain reason plainly."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import typer

from app.runtime.errors import AppError
from app.runtime.faults import OperatorFault

T = TypeVar("T")


def run(
    main: Callable[[], Coroutine[Any, Any, T]],
    *,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> T:
    """Run a command's coroutine; a fault that has a plain reason ends it with that reason.

    A server names uvloop's loop. Other commands run on asyncio's: uvloop's cannot be closed while
    the name of a host is still looked up, and its OSError would stand in the place of the reason.
    """
    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            return runner.run(main())
    except OperatorFault as fault:
        typer.echo(str(fault), err=True)
        raise typer.Exit(fault.exit_status) from None
    except AppError as fault:
        typer.echo(str(fault), err=True)
        raise typer.Exit(1) from None


def stop_event() -> asyncio.Event:
    """Return an event that SIGINT or SIGTERM sets."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping
