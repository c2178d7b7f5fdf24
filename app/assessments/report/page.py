"""The page of an assessment that people read and print: one HTML file that needs nothing else.

It shows what the receipt says and no more. `view` makes the model, the templates show it.
A browser sends no API key, so people open a saved file: the policy stands in the page, too.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from app.assessments.report.view import report_of
from app.assessments.rules.receipts import JsonObject
from app.runtime.money import plain

_STYLE_FILE: Final = Path(__file__).parents[2] / "static" / "report.css"
_STYLE: Final = _STYLE_FILE.read_text(encoding="utf-8")
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'"
)
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": f"{_POLICY}; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_DAY: Final = re.compile(r"(\d{4}-\d{2}-\d{2})")
# What turns the direction of writing (Unicode, UAX 9): it can make a name read as another.
_TURNING: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")


def _without_turning(value: object) -> object:
    """Return a text of an expression without what turns the direction of writing."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return _TURNING.sub("\N{REPLACEMENT CHARACTER}", value)
    return value


def _make_environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_without_turning,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["plain"] = plain
    environment.filters["split_days"] = _DAY.split  # each second part is a day
    environment.globals["policy"] = _POLICY
    environment.globals["style"] = Markup(_STYLE)  # noqa: S704  our own file
    for name in environment.list_templates(extensions=["html"]):
        environment.get_template(name)  # compiled now, and kept
    return environment


_ENVIRONMENT: Final = _make_environment()


def render(content: JsonObject, receipt: bytes | None, changes: Sequence[JsonObject] = ()) -> str:
    """Return the page of a receipt's content, with the receipt's hash where there is one.

    `changes` are what later versions of lists changed.
    """
    report = report_of(content, receipt, changes)
    return _ENVIRONMENT.get_template("report.html").render(report=report)
