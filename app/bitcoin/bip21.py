"""What a buyer's wallet opens: a payment request as a URI (BIP 21)."""

from decimal import Decimal
from urllib.parse import quote


def bitcoin_uri(address: str, amount_btc: Decimal, label: str | None = None) -> str:
    """Ask for an amount in BTC at an address; `label` says whom or what it pays.

    The amount stands in plain decimals, without an exponent and without trailing zeros.
    """
    amount = f"{amount_btc:f}"
    if "." in amount:
        amount = amount.rstrip("0").rstrip(".")
    uri = f"bitcoin:{address}?amount={amount}"
    return uri if label is None else f"{uri}&label={quote(label, safe='')}"
