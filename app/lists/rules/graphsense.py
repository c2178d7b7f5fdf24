"""GraphSense's words for tags: the tree of concepts, the table of confidence, and ours for them.

Both are as published with GraphSense's tag pack tool (`concepts.yaml`, `confidence.csv`), which
took the tree from INTERPOL's taxonomy of the dark web and virtual assets. A concept that has no
category of ours has that of its broader one.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from app.lists.rules.risk import OTHER, SANCTIONS

_NARROWER: Final[Mapping[str, tuple[str, ...]]] = {
    "concept": ("entity", "behaviour", "source"),
    "source": ("mention", "dark_web"),
    "mention": ("website_mention",),
    "website_mention": ("forum_mention",),
    "behaviour": ("abuse", "gray_usage", "white_usage"),
    "gray_usage": ("mixing",),
    "mixing": ("coinjoin",),
    "white_usage": ("cold_wallet", "hot_wallet", "warm_wallet"),
    "abuse": (
        *("sexual_abuse", "violence", "human_trafficking", "scam", "financial_crime", "extortion"),
        *("phishing", "hacking", "drugs", "weapons", "ransomware", "sanction", "counterfeit"),
        "extremism",
    ),
    "sexual_abuse": ("child_sexual_abuse",),
    "violence": ("murder", "torture"),
    "hacking": (
        *("service_hack", "account_hack", "exploit", "data_breach", "social_engineering"),
        "malware",
    ),
    "financial_crime": ("investment_fraud", "money_laundering", "payment_card_fraud"),
    "investment_fraud": ("ponzi_scheme",),
    "ponzi_scheme": ("pyramid_scheme",),
    "extortion": ("sextortion",),
    "extremism": ("terrorism", "terrorism_financing"),
    "entity": ("organization", "user", "service", "item"),
    "item": ("collectible",),
    "user": ("victim", "perpetrator", "donation", "miner"),
    "service": (
        *("exchange", "wallet_service", "filesharing", "index", "market", "messaging_service"),
        *("mixing_service", "mining_service", "gambling", "search_engine", "shop", "faucet"),
        *("payment_processor", "atm", "hosting", "vpn", "defi"),
    ),
    "wallet_service": ("escrow_wallet", "ico_wallet"),
    "defi": (
        *("defi_token", "defi_lending", "defi_dex", "defi_derivatives", "defi_derivative"),
        "defi_bridge",
    ),
}
_BROADER: Final = {one: broader for broader, many in _NARROWER.items() for one in many}
CONCEPTS: Final = frozenset({*_BROADER, *_NARROWER})

# Ours, gravest first: of several concepts, the one whose category comes first counts. That
# something is an exchange does not say whether it is licensed, so it has none.
_CATEGORIES: Final[Mapping[str, tuple[str, ...]]] = {
    SANCTIONS: ("sanction",),
    "terrorism_financing": ("terrorism", "terrorism_financing"),
    "child_exploitation": ("child_sexual_abuse",),
    "ransom": ("ransomware", "extortion"),
    "stolen_coins": ("service_hack", "account_hack", "exploit"),
    "scam": ("scam", "phishing", "investment_fraud"),
    "illegal_service": ("abuse",),
    "mixer": ("mixing_service", "mixing"),
    "gambling": ("gambling",),
    "atm": ("atm",),
    "liquidity_pools": ("defi",),
    "wallet": ("wallet_service", "cold_wallet", "hot_wallet", "warm_wallet"),
    "marketplace": ("market", "shop"),
    "miner": ("miner", "mining_service"),
    "payment": ("payment_processor",),
    OTHER: ("defi_token",),
}
_CATEGORY_OF: Final = {one: ours for ours, many in _CATEGORIES.items() for one in many}
_GRAVITY: Final = {ours: place for place, ours in enumerate(_CATEGORIES)}
_HARMLESS: Final = ("wallet", "marketplace", "miner", "payment", OTHER)

# Words that packs use beside the tree, and what they mean in it.
_SYNONYMS: Final[Mapping[str, tuple[str, ...]]] = {
    "sanctioned": ("sanction",),
    "sanctions": ("sanction",),
    "child_abuse": ("child_sexual_abuse",),
    "csam": ("child_sexual_abuse",),
    "hack": ("service_hack",),
    "theft": ("service_hack",),
    "fraud": ("scam",),
    "scamming": ("scam",),
    "phish": ("phishing",),
    "darknet_market": ("market", "dark_web"),
    "dark_market": ("market", "dark_web"),
    "darkweb": ("dark_web",),
    "darknet": ("dark_web",),
    "mixer": ("mixing_service",),
    "tumbler": ("mixing_service",),
    "hosted_wallet": ("wallet_service",),
    "marketplace": ("market",),
}

_BETWEEN: Final = re.compile("[/,;|]")

# How sure the creator of a tag is of it, in percent.
CONFIDENCE: Final[Mapping[str, int]] = {
    "override": 100,
    "ownership": 100,
    "manual_transaction": 90,
    "service_api": 70,
    "authority_data": 60,
    "trusted_provider": 50,
    "service_data": 50,
    "forensic": 50,
    "untrusted_transaction": 40,
    "web_crawl": 20,
    "heuristic": 10,
    "unknown": 5,
}


def concepts_of(words: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the concepts that words mean, and the words that are none.

    Packs of others than GraphSense put two words into one, as in `Phish / Hack`.
    """
    parts = (part for word in words for part in _BETWEEN.split(word))
    plain = {"_".join(part.lower().replace("-", " ").split()) for part in parts} - {""}
    known = {one for word in plain for one in _SYNONYMS.get(word, (word,)) if one in CONCEPTS}
    return frozenset(known), frozenset(plain - CONCEPTS - _SYNONYMS.keys())


def is_mention(concepts: Iterable[str]) -> bool:
    """Say whether a tag with such concepts says where an address was seen, not whose it is."""
    return any("mention" in _upwards(one) for one in concepts)


def category_of(concepts: frozenset[str]) -> str:
    """Return our category of an address that is tagged so, the gravest of several.

    A market is a dark one where the tag says so, too. A victim did nothing.
    """
    if "victim" in concepts:
        return OTHER
    found = [ours for one in concepts if (ours := _own_category(one))]
    category = min(found, key=lambda ours: _GRAVITY[ours], default=OTHER)
    if "dark_web" in concepts and category in _HARMLESS:
        return "dark_market" if category == "marketplace" else "dark_service"
    return category


def _own_category(concept: str) -> str | None:
    return next((_CATEGORY_OF[one] for one in _upwards(concept) if one in _CATEGORY_OF), None)


def _upwards(concept: str) -> Iterator[str]:
    """Yield a concept, then its broader one, up to the top."""
    next_one: str | None = concept
    while next_one is not None:
        yield next_one
        next_one = _BROADER.get(next_one)
