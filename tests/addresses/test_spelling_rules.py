"""The number of the spelling rules changes with every spelling: stored ones are made anew by it."""

import hashlib
from collections.abc import Iterator
from random import Random
from typing import Final

from app.addresses.chains import CHAINS
from app.addresses.spelling import SPELLING_RULES, canonicalize
from tests.addresses.test_one_account import APART, PUBLISHED, UNIFIED, forms_of

# By number, what the rules make of all addresses below. A line stays as it is: other spellings, or
# another form of an address, are a new number and a new line.
DIGESTS: Final = {
    1: "67203238d3fac474bc04f1d9a5bc7f3a9dc9d57ac26dfd36fb3f39e7f3014349",
}


def addresses() -> Iterator[str]:
    """Yield every form of an address that a standard names, or that a chain accepts."""
    for forms in (*PUBLISHED, *APART, UNIFIED):
        yield from forms
    for chain in sorted(CHAINS):
        key = Random(chain).randbytes(32)  # noqa: S311
        for written in forms_of(chain, key):
            yield from written


def digest() -> str:
    spellings = [f"{address} {canonicalize(address)}" for address in addresses()]
    return hashlib.sha256("\n".join(spellings).encode()).hexdigest()


def test_other_spellings_are_rules_of_another_number() -> None:
    assert max(DIGESTS) == SPELLING_RULES
    assert DIGESTS[SPELLING_RULES] == digest(), (
        "addresses are spelt otherwise, or there are others: raise SPELLING_RULES in"
        " app/addresses/spelling.py, and add its digest to those above"
    )
