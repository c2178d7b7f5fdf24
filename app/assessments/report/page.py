"""The page of an assessment that people read and print: one HTML file that needs nothing else.

It shows what the receipt says and no more. `view` makes the model, the templates show it.
A browser sends no API key, so people open a saved file: the policy stands in the page, too.
"""

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from markupsafe import Markup

from app.assessments.report.view import report_of
from app.assessments.rules.receipts import JsonObject
from app.runtime import pages

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
_NAMES: Final = {"policy": _POLICY, "style": Markup(_STYLE)}  # noqa: S704  our own file


def render(content: JsonObject, receipt: bytes | None, changes: Sequence[JsonObject] = ()) -> str:
    """Return the page of a receipt's content, with the receipt's hash where there is one.

    `changes` are what later versions of lists changed.
    """
    return pages.render("report.html", {**_NAMES, "report": report_of(content, receipt, changes)})
