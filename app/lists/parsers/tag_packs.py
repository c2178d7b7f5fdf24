"""Reading GraphSense tag packs: YAML, whose head says what holds for every tag that does not.

The text is never turned into objects. Only events are read, every scalar as the text that it is,
so that nothing can be constructed, an address of digits stays a text, and memory is bounded by
the file; aliases, which could multiply it, and depth, which no pack has, are refused.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import yaml

from app.lists.parsers.xml_records import MalformedList
from app.lists.rules.graphsense import CONFIDENCE, category_of, concepts_of, is_mention
from app.lists.rules.listings import ListedAddress, ListingFacts
from app.lists.rules.risk import OTHER

_MAX_DEPTH: Final = 4  # the pack, its tags, a tag, the concepts of a tag
_DATE_LENGTH: Final = len("2025-11-19")
_MENTION: Final = "mention"
_PERCENT: Final = re.compile("[0-9]{1,2}|100")
_NULLS: Final = ("~", "null", "Null", "NULL")  # as YAML writes that there is no value


@dataclass(frozen=True)
class TagPack:
    """What a pack says. `issued` is the newest day that the pack or a tag of it was changed on.

    `left_out` counts tags of no address, `unknown_concepts` tags by words that are no concepts of
    GraphSense's tree, nor any confidence.
    """

    issued: date | None
    entries: list[ListedAddress]
    left_out: int
    unknown_concepts: Mapping[str, int]


def read_tag_pack(raw: bytes, category: str | None = None) -> TagPack:
    """Read a pack; `category` stands in the place of what its tags say. Raises MalformedList."""
    pack = _document(raw)
    tags = pack.get("tags") if isinstance(pack, dict) else None
    if not isinstance(tags, list):
        raise MalformedList("it has no list of tags")
    entries, left_out, dates = [], 0, [_noted_on(pack)]
    unknown: Counter[str] = Counter()
    for number, tag in enumerate(tags, 1):
        if not isinstance(tag, dict):
            raise MalformedList(f"tag {number} is not a mapping")
        if not isinstance(tag.get("address", ""), str):
            raise MalformedList(f"the address of tag {number} is not a text")
        if not _text(tag, "address"):
            left_out += 1
            continue
        entry = _entry(number, {**pack, **tag}, category, unknown)
        entries.append(entry)
        dates.append(entry.noted_on)
    issued = max((day for day in dates if day), default=None)
    return TagPack(issued, entries, left_out, dict(sorted(unknown.items())))


def _entry(
    number: int, tag: dict[str, Any], category: str | None, unknown: Counter[str]
) -> ListedAddress:
    asset = _text(tag, "currency") or _text(tag, "network")
    if not asset:
        raise MalformedList(f"tag {number} has no currency and no network")
    concepts, others = concepts_of(_words(tag))
    mentioned = _text(tag, "tag_type").lower() == _MENTION or is_mention(concepts)
    told = _text(tag, "confidence").lower()
    confidence = _percent(told)
    unknown.update(others)
    if told and confidence is None:
        unknown[f"confidence {told}"] += 1
        confidence = CONFIDENCE["unknown"]
    return ListedAddress(
        address=_text(tag, "address"),
        asset=asset.upper(),
        category=category or (OTHER if mentioned else category_of(concepts)),
        label=_text(tag, "label"),
        reference=_text(tag, "source"),
        noted_on=_noted_on(tag),
        facts=ListingFacts(source_url=_url(_text(tag, "source"))),
        confidence=confidence,
        is_mention=mentioned,
    )


def _percent(confidence: str) -> int | None:
    """Return how sure a word means, in percent; older packs give the number itself. None: neither."""
    if _PERCENT.fullmatch(confidence):
        return int(confidence)
    return CONFIDENCE.get(confidence)


def _words(tag: dict[str, Any]) -> list[str]:
    """Return the words by which a tag says what an address is or did."""
    concepts = tag.get("concepts")
    listed = concepts if isinstance(concepts, list) else [concepts or ""]
    return [_text(tag, "abuse"), _text(tag, "category"), *(str(one) for one in listed)]


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
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        raise MalformedList(f"{where}it is not YAML: {problem}") from None


def _value(event: Any, events: Iterator[Any], depth: int) -> Any:  # noqa: ANN401
    if isinstance(event, yaml.ScalarEvent):
        return "" if event.implicit[0] and event.value in _NULLS else event.value
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
        if key in mapping:
            raise MalformedList(f"line {item.start_mark.line + 1}: its key {key!r} stands twice")
        mapping[key] = _value(next(events), events, depth + 1)
    return mapping


def _until(end: type, events: Iterator[Any]) -> Iterator[Any]:
    for event in events:
        if isinstance(event, end):
            return
        yield event
