"""The payment page as HTML: the view model in its template, with files of our own and nothing else."""

import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Final

from app.orders.payment_page.texts import ENGLISH
from app.orders.payment_page.view import PaymentPageView
from app.runtime import pages
from app.runtime.qr import qr_code

_STATIC: Final = Path(__file__).parents[2] / "static"
_FINGERPRINT_DIGITS: Final = 12
# Neither a search engine nor the next page learns the link.
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self';"
        " img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}


def _file(name: str) -> str:
    """Return where the page finds a file of ours; another version of the file is another address.

    It is relative, so that the page works behind a proxy's path.
    """
    digest = hashlib.sha256((_STATIC / name).read_bytes()).hexdigest()
    return f"../static/{name}?v={digest[:_FINGERPRINT_DIGITS]}"


_NAMES: Final = {
    "words": SimpleNamespace(**ENGLISH),  # of a mapping, a template would find its methods first
    "style_file": _file("pay.css"),
    "script_file": _file("pay.js"),
    "qr_code": qr_code,
}


def render(view: PaymentPageView) -> str:
    """Return the whole page."""
    return pages.render("payment.html", {**_NAMES, "page": view})


def render_parts(view: PaymentPageView) -> str:
    """Return the parts of the page that change, to be put into one that is open."""
    return pages.render("payment_parts.html", {**_NAMES, "page": view})


def render_notice(name: str, *, refresh_seconds: int | None = None) -> str:
    """Return a page that shows no order: `invalid` or `away`."""
    shown = {"headline": ENGLISH[name], "sentence": ENGLISH[f"{name}_why"]}
    return pages.render(
        "payment_notice.html", {**_NAMES, **shown, "refresh_seconds": refresh_seconds}
    )
