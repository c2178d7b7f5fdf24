"""Payment requests as buyers' wallets read them: `bitcoin:ADDRESS?amount=0.005` (BIP 21)."""

import re
from decimal import Decimal
from typing import Final
from urllib.parse import parse_qsl

from app.runtime.money import in_satoshi
from app.sandbox.chain import Payment
from app.sandbox.scripts import script_of

_AMOUNT: Final = re.compile(r"[0-9]{1,8}(\.[0-9]{1,8})?", re.ASCII)
_REQUIRED: Final = "req-"


def read_payment_uri(uri: str) -> Payment:
    """Return the address and the satoshi that a URI asks for.

    Its label and message are passed over. Raises ValueError, whose text is the reason, for what a
    wallet must refuse, and for a URI without an amount, which leaves that to the payer.
    """
    scheme, _, rest = uri.partition(":")
    if scheme.lower() != "bitcoin":
        raise ValueError("it does not begin with bitcoin:")
    address, _, query = rest.partition("?")
    script_of(address)
    members = parse_qsl(query, keep_blank_values=True, strict_parsing=True)
    if any(name.startswith(_REQUIRED) for name, _ in members):
        raise ValueError("it requires what is not known here")
    amounts = [value for name, value in members if name == "amount"]
    if len(amounts) != 1 or not _AMOUNT.fullmatch(amounts[0]):
        raise ValueError("it must name one amount, in BTC with at most 8 decimals")
    return address, in_satoshi(Decimal(amounts[0]))
