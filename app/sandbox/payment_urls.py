"""What stands behind a payment protocol URL. The sandbox contacts nobody: it makes invoices up.

`https://bitpay.com/invoice?id=X`, `https://bitpay.com/i/X` and `bitcoin:?r=…` of either are
corrected as AEON.to API v3 says. At `https://sandbox.invalid/…` an invoice asks what the URL
names (`?amount=0.1&address=…`), and one at `/outdated` serves outdated data.
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, urlsplit

from app.runtime.money import SATOSHI, plain
from app.sandbox import identity
from app.sandbox.answers import Refusal

PAYMENT_PROTOCOL_FAILED: Final = "010"
MALFORMED_URL: Final = "011"
_SANDBOX_HOST: Final = "sandbox.invalid"
_BITPAY_HOST: Final = "bitpay.com"


@dataclass(frozen=True)
class Invoice:
    """What a payment protocol URL asks for; the amount is in BTC, as the URL wrote it."""

    pp_url: str
    btc_dest_address: str
    btc_amount: str


def read_invoice(text: object) -> Invoice:
    """Find the invoice of a URL. Raises Refusal 010 or 011."""
    if not isinstance(text, str) or not text.isascii():
        raise Refusal(MALFORMED_URL)
    try:
        url = _corrected(_unwrapped(text))
    except ValueError:
        raise Refusal(MALFORMED_URL) from None
    asked = parse_qs(urlsplit(url).query)
    amount = plain(identity.invoice_satoshi(url) * SATOSHI)
    return Invoice(
        pp_url=url,
        btc_dest_address=asked.get("address", [identity.invoice_address(url)])[0],
        btc_amount=asked.get("amount", [amount])[0],
    )


def _unwrapped(text: str) -> str:
    if text.lower().startswith("bitcoin:"):
        return parse_qs(urlsplit(text).query).get("r", [""])[0]
    return text


def _corrected(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https":
        raise Refusal(MALFORMED_URL)
    if parts.hostname == _BITPAY_HOST:
        named = parse_qs(parts.query).get("id", [parts.path.removeprefix("/i/")])[0]
        if not named or "/" in named:
            raise Refusal(PAYMENT_PROTOCOL_FAILED)
        return f"https://{_BITPAY_HOST}/i/{named}"
    if parts.hostname != _SANDBOX_HOST:
        raise Refusal(MALFORMED_URL)
    if parts.path == "/outdated":
        raise Refusal(PAYMENT_PROTOCOL_FAILED)
    return url
