"""Risks in words, as people read them: categories, shares, providers, forms of an address."""

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from types import MappingProxyType
from typing import Final

from app.runtime.money import plain

# Of every word of `app.lists.rules.risk.CATEGORIES`.
_CATEGORIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "atm": "crypto ATM",
        "child_exploitation": "child exploitation",
        "dark_market": "darknet market",
        "dark_service": "darknet service",
        "enforcement_action": "enforcement action",
        "exchange_fraudulent": "fraudulent exchange",
        "exchange_licensed": "licensed exchange",
        "exchange_unlicensed": "unlicensed exchange",
        "gambling": "gambling",
        "illegal_service": "illegal service",
        "liquidity_pools": "liquidity pool",
        "marketplace": "marketplace",
        "miner": "miner",
        "mixer": "mixer",
        "other": "other",
        "p2p_exchange_licensed": "licensed P2P exchange",
        "p2p_exchange_unlicensed": "unlicensed P2P exchange",
        "payment": "payment processor",
        "ransom": "ransomware or extortion",
        "sanctions": "sanctions",
        "scam": "scam",
        "scope": "limit of the answer",
        "seized_assets": "seized assets",
        "stolen_coins": "stolen coins",
        "terrorism_financing": "terrorism financing",
        "wallet": "hosted wallet",
    }
)
_PROVIDERS: Final[Mapping[str, str]] = MappingProxyType(
    {"chainalysis": "Chainalysis", "crystal": "Crystal"}
)
_FORMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "valid": "valid",
        "invalid": "invalid",
        "not_checkable": "not checkable",
        "not_checked": "not checked",
    }
)
# Those of our words that are none of the language: what an earlier version wrote into sentences.
_OUR_WORD: Final = re.compile(
    rf"\b({'|'.join(sorted((name for name in _CATEGORIES if '_' in name), key=len, reverse=True))})\b"
)
_LEAST_PERCENT: Final = Decimal("0.01")
_WHOLE_PERCENT: Final = Decimal(100)


def category_words(category: str) -> str:
    """Name a category; one that is not ours, with blanks between its words."""
    return _CATEGORIES.get(category) or category.replace("_", " ")


def sentence_words(sentence: str) -> str:
    """Return a sentence with the categories in it named in words."""
    return _OUR_WORD.sub(lambda found: _CATEGORIES[found[1]], sentence)


def provider_words(provider: str) -> str:
    """Name a provider as its owner writes it."""
    return _PROVIDERS.get(provider, provider)


def form_words(form: str) -> str:
    """Name the form of an address."""
    return _FORMS.get(form, form)


def percent(share: Decimal) -> str:
    """Write a share of 1 as a percentage of two decimals at most, and never as 0 when it is not."""
    number = share * _WHOLE_PERCENT
    if 0 < number < _LEAST_PERCENT:
        return f"<{_LEAST_PERCENT}%"
    rounded = number.quantize(_LEAST_PERCENT, ROUND_HALF_EVEN)
    if share < 1 and rounded == _WHOLE_PERCENT:
        return ">99.99%"
    return f"{plain(rounded)}%"
