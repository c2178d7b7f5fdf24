"""Logs: one event per line on standard error, with the request's id and without secrets.

Our own events and those of the standard library's loggers (uvicorn, SQLAlchemy, asyncio, httpx)
pass the same processors.
"""

import json
import logging
import os
import re
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Final, Literal

import structlog
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.processors import TimeStamper, format_exc_info
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from app.runtime.observability.log_stream import LogStream

HIDDEN: Final = "***"

_SECRET_NAMES: Final = frozenset(
    {
        "api_key", "authorization", "cookie", "new_password", "password", "secret",
        "session_token", "token", "x-api-key", "x_api_key",
    }
)  # fmt: skip
# Bounded, so that no text makes the search long; a password has at most 256 characters.
_VALUE: Final = r"""(?:"(?:[^"\\]|\\.){0,512}"|'(?:[^'\\]|\\.){0,512}'|[^\s"',;&)}\]]+)"""
_PATTERNS: Final = (
    # PostgreSQL repeats the whole row that it refused: e-mails, hashes, access codes.
    (re.compile(r"(DETAIL:\s{0,8})[^\r\n]*"), rf"\1{HIDDEN}"),
    (re.compile(r"assay_session_[A-Za-z0-9]+"), f"assay_session_{HIDDEN}"),
    (re.compile(r"(assay_[A-Za-z0-9]{10}_)[A-Za-z0-9]+"), rf"\1{HIDDEN}"),
    # Extended keys: a private one spends, a public one lists all addresses of its wallet.
    (re.compile(r"\b([A-Za-z]p(?:ub|rv))[1-9A-HJ-NP-Za-km-z]{40,512}"), rf"\1{HIDDEN}"),
    (re.compile(r"(\w://[^\s:/@]{0,128}:)\S{1,256}@"), rf"\1{HIDDEN}@"),
    (
        re.compile(
            rf"""((?:x[-_]api[-_]key|authorization|password|session_token)["']?\s*[:=,]\s*(?:b(?=["']))?)"""
            rf"""(?:(?:bearer|basic)\s+)?{_VALUE}""",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
)
# One of these stands in every text that has something to hide: cheaper to look for.
_CLUES: Final = (
    "detail:",
    "assay_",
    "://",
    "key",
    "authorization",
    "password",
    "token",
    "secret",
    "cookie",
    "pub",
    "prv",
)

# The request that this task serves: every event carries its id.
current_request_id: Final[ContextVar[str | None]] = ContextVar("request_id", default=None)


def _may_hold_secrets(text: str) -> bool:
    folded = text.lower()
    for clue in _CLUES:  # noqa: SIM110 - twice as fast as any()
        if clue in folded:
            return True
    return False


def redact(text: str) -> str:
    """Hide API keys, session tokens, passwords and the headers that carry them."""
    if _may_hold_secrets(text):
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
    return text


def _redact_value(value: object) -> object:
    match value:
        case str():
            return redact(value)
        case None | bool() | int() | float():
            return value
        case Mapping():
            return _redact_members(value)
        case list() | tuple() | set() | frozenset():
            return [_redact_value(element) for element in value]
        case _:
            return redact(str(value))


def _redact_members(members: Mapping[Any, object]) -> dict[str, object]:
    return {
        str(name): HIDDEN if str(name).lower() in _SECRET_NAMES else _redact_value(value)
        for name, value in members.items()
    }


def redact_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Processor: redact every value, whatever the event's author thought of it."""
    return _redact_members(event)


def _add_request_id(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    request_id = current_request_id.get()
    if request_id is not None:
        event["request_id"] = request_id
    return event


def _name_source(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    event["source"] = event["_record"].name
    return event


_encode_json: Final = json.JSONEncoder(ensure_ascii=False, default=str).encode


def _redacted_json(logger: WrappedLogger, method: str, event: EventDict) -> str:
    line = _encode_json(event)
    return _encode_json(redact_event(logger, method, event)) if _may_hold_secrets(line) else line


def configure_logging(log_format: Literal["console", "json"], level: int = logging.INFO) -> None:
    """Send logs from `level` on to standard error: `json` for machines, `console` for people.

    Start uvicorn with `log_config=None`, or it brings handlers of its own.
    """
    common: list[Processor] = [
        _add_request_id,
        structlog.processors.add_log_level,
        TimeStamper(fmt="iso", utc=True),
    ]
    rendering: list[Processor] = [format_exc_info, *_renderers(log_format)]
    stream: Any = LogStream(sys.stderr)
    structlog.configure(
        processors=[*common, *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[*common, _name_source],
            processors=[ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    _tame_libraries()


def _renderers(log_format: Literal["console", "json"]) -> list[Processor]:
    if log_format == "json":
        return [_redacted_json]
    colors = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    console = ConsoleRenderer(colors=colors, exception_formatter=plain_traceback)
    return [redact_event, console]


def _tame_libraries() -> None:
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "sqlalchemy", "asyncio", "httpx"):
        library = logging.getLogger(name)
        library.handlers = []
        library.propagate = True
    # Our supervisor tells that the database is away; the pool would at each try.
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    # SQLAlchemy's pool, under the name of our class: it would tell of each connection.
    logging.getLogger("app.runtime.db.pool.OrderedPool").setLevel(logging.WARNING)
    # Our own middleware writes the access log; httpx writes whole URLs.
    for name in ("uvicorn.access", "httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


def get_logger(name: str) -> FilteringBoundLogger:
    """Return a logger whose events carry the module's name as their `source`."""
    logger: FilteringBoundLogger = structlog.get_logger(source=name)
    return logger
