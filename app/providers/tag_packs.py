"""Reading GraphSense tag packs: YAML, whose head says what holds for every tag that does not.

The text is never turned into objects. Only events are read, every scalar as the text that it is,
so that nothing can be constructed, an address of digits stays a text, and memory is bounded by
the file; aliases, which could multiply it, and depth, which no pack has, are refused.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

import yaml

from app.domain.listings import ListedAddress, ListingFacts
from app.providers.xml_records import MalformedList

_MAX_DEPTH: Final = 4  # the pack, its tags, a tag, the concepts of a tag
_DATE_LENGTH: Final = len("2025-11-19")
OTHER: Final = "other"

# GraphSense's words for what an address is or did, gravest first, and ours. That something is an
# exchange does not say whether it is licensed, so it is `other`.
_CATEGORIES: Final[Mapping[str, str]] = {
    "sanction": "sanctions",
    "sanctioned": "sanctions",
    "sanctions": "sanctions",
    "terrorism": "terrorism_financing",
    "terrorism_financing": "terrorism_financing",
    "child_abuse": "child_exploitation",
    "child_sexual_abuse": "child_exploitation",
    "csam": "child_exploitation",
    "ransomware": "ransom",
    "extortion": "ransom",
    "sextortion": "ransom",
    "service_hack": "stolen_coins",
    "hack": "stolen_coins",
    "theft": "stolen_coins",
    "scam": "scam",
    "fraud": "scam",
    "phishing": "scam",
    "ponzi_scheme": "scam",
    "market": "dark_market",
    "darknet_market": "dark_market",
    "dark_market": "dark_market",
    "mixing_service": "mixer",
    "coinjoin": "mixer",
    "gambling": "gambling",
    "atm": "atm",
    "defi_dex": "liquidity_pools",
    "hosted_wallet": "wallet",
    "marketplace": "marketplace",
    "shop": "marketplace",
    "miner": "miner",
    "mining_service": "miner",
    "payment_processor": "payment",
}


def read_tag_pack(raw: bytes) -> tuple[date | None, list[ListedAddress], int]:
    """Return the date of a pack, its addresses, and how many of its tags are of no address.

    The date is the newest that the pack or any of its tags was changed on. Raises MalformedList.
    """
    pack = _document(raw)
    tags = pack.get("tags") if isinstance(pack, dict) else None
    if not isinstance(tags, list):
        raise MalformedList("it has no list of tags")
    entries, left_out, dates = [], 0, [_noted_on(pack)]
    for number, tag in enumerate(tags, 1):
        if not isinstance(tag, dict):
            raise MalformedList(f"tag {number} is not a mapping")
        if not _text(tag, "address"):
            left_out += 1
            continue
        entry = _entry(number, {**pack, **tag})
        entries.append(entry)
        dates.append(entry.noted_on)
    return max((day for day in dates if day), default=None), entries, left_out


def _entry(number: int, tag: dict[str, Any]) -> ListedAddress:
    asset = _text(tag, "currency") or _text(tag, "network")
    if not asset:
        raise MalformedList(f"tag {number} has no currency and no network")
    words = {_text(tag, "abuse").lower(), _text(tag, "category").lower()}
    concepts = tag.get("concepts")
    if isinstance(concepts, list):
        words.update(str(concept).strip().lower() for concept in concepts)
    return ListedAddress(
        address=_text(tag, "address"),
        asset=asset.upper(),
        category=next((ours for theirs, ours in _CATEGORIES.items() if theirs in words), OTHER),
        label=_text(tag, "label"),
        reference=_text(tag, "source"),
        noted_on=_noted_on(tag),
        facts=ListingFacts(source_url=_url(_text(tag, "source"))),
    )


def _url(text: str) -> str | None:
    return text if text.startswith(("https://", "http://")) else None


def _noted_on(tag: dict[str, Any]) -> date | None:
    text = _text(tag, "lastmod")
    if not text:
        return None
    try:
        return date.fromisoformat(text[:_DATE_LENGTH])
    except ValueError:
        raise MalformedList("one of its lastmod is not a date") from None


def _text(tag: dict[str, Any], name: str) -> str:
    value = tag.get(name)
    return value.strip() if isinstance(value, str) else ""


def _document(raw: bytes) -> Any:  # noqa: ANN401  texts, lists and dicts of them
    events = _events(raw)
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            document = _value(next(events), events, depth=1)
            if any(isinstance(event, yaml.DocumentStartEvent) for event in events):
                raise MalformedList("it has more than one document")
            return document
    raise MalformedList("it is empty")


def _events(raw: bytes) -> Iterator[Any]:
    try:
        yield from yaml.parse(raw, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, UnicodeError) as error:
        problem = getattr(error, "problem", None) or "a character that YAML does not allow"
        raise MalformedList(f"it is not YAML: {problem}") from None


def _value(event: Any, events: Iterator[Any], depth: int) -> Any:  # noqa: ANN401
    if isinstance(event, yaml.ScalarEvent):
        return event.value
    if isinstance(event, yaml.AliasEvent):
        raise MalformedList("it uses aliases, which tag packs do not")
    if depth > _MAX_DEPTH:
        raise MalformedList("it is nested deeper than tag packs are")
    if isinstance(event, yaml.SequenceStartEvent):
        return [_value(item, events, depth + 1) for item in _until(yaml.SequenceEndEvent, events)]
    mapping = {}
    for item in _until(yaml.MappingEndEvent, events):
        key = _value(item, events, depth + 1)
        if not isinstance(key, str):
            raise MalformedList("one of its keys is not a text")
        mapping[key] = _value(next(events), events, depth + 1)
    return mapping


def _until(end: type, events: Iterator[Any]) -> Iterator[Any]:
    for event in events:
        if isinstance(event, end):
            return
        yield event
