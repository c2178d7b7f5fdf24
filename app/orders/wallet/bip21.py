"""What a buyer's wallet opens: a payment request as a URI (BIP 21)."""

from decimal import Decimal
from urllib.parse import quote

from app.runtime.money import plain


def bitcoin_uri(address: str, amount_btc: Decimal, label: str | None = None) -> str:
    """Ask for an amount in BTC at an address; `label` says whom or what it pays.

    The amount stands in plain decimals, without an exponent and without trailing zeros.
    """
    uri = f"bitcoin:{address}?amount={plain(amount_btc)}"
    return uri if label is None else f"{uri}&label={quote(label, safe='')}"
