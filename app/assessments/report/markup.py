"""HTML as a tree: what the report page is built of, and how texts of others are kept text.

The writer of the tree escapes; nothing here joins strings of markup. Numbers, days and names never
break inside; only a word that is longer than any name, an address say, may.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

import segno

NOT_KNOWN: Final = "not known"
DASH: Final = "\N{EM DASH}"
# A word beyond this is an address or a hash; a column of a phone holds so many letters.
_LONGEST_NAME: Final = 24
_DAY: Final = re.compile(r"(\d{4}-\d{2}-\d{2})")
# What turns the direction of writing (Unicode, UAX 9): it can make a name read as another.
_TURNING: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
# The margin that a QR code needs around it to be read (ISO/IEC 18004), in modules.
_QR_MARGIN: Final = 4
_QR_MASK: Final = 2


def el(tag: str, *inside: Element | str, **attributes: str) -> Element:
    """Make an element; `class_` is the attribute `class`, `aria_label` is `aria-label`."""
    names = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
    element = Element(tag, names)
    for part in inside:
        if isinstance(part, Element):
            element.append(part)
        elif len(element):
            element[-1].tail = (element[-1].tail or "") + part
        else:
            element.text = (element.text or "") + part
    return element


def text(value: object) -> str:
    """Return a value as text that cannot turn the direction of writing."""
    return NOT_KNOWN if value is None else _TURNING.sub("\N{REPLACEMENT CHARACTER}", str(value))


def theirs(value: object) -> Element:
    """Set off text of others, so that its direction of writing ends where it does.

    A day within stays on one line.
    """
    shown = text(value)
    parts = _DAY.split(shown)  # each second one is a day
    inside = [el("span", day, class_="number") if at % 2 else day for at, day in enumerate(parts)]
    if any(len(word) > _LONGEST_NAME for word in shown.split()):
        return el("bdi", *inside, class_="long")
    return el("bdi", *inside)


def number(value: object) -> Element:
    """Show a number, a percentage or a day, which stays on one line if it is one."""
    shown = text(value)
    return el("span", shown, class_="long" if len(shown) > _LONGEST_NAME else "number")


def address(value: object) -> Element:
    """Show an address or a hash, which may break anywhere."""
    return el("code", el("bdi", text(value)), class_="long")


def link(url: str) -> Element:
    """Link to a page of others, if it is one of the web."""
    if urlsplit(url).scheme not in ("http", "https"):
        return theirs(url)
    return el("a", text(url), href=url, rel="noopener noreferrer", class_="long")


def section(title: str, *inside: Element) -> Element:
    """Make a part of the page."""
    return el("section", el("h2", title), *inside)


def items(parts: Iterable[Element | str]) -> Element:
    """Make a list of points."""
    return el("ul", *(el("li", part) for part in parts))


def facts(pairs: Iterable[tuple[str, Element | str]]) -> Element:
    """Make a list of names and what they are."""
    parts = [part for name, value in pairs for part in (el("dt", name), el("dd", value))]
    return el("dl", *parts)


def fold(words: str, inside: Element) -> Element:
    """Fold something away, without a script."""
    return el("details", el("summary", words), inside)


def table(headings: Sequence[str], rows: Iterable[Sequence[Element | str]], name: str) -> Element:
    """Make a table whose cells carry their headings, for phones, where each row is a card."""
    head = el("tr", *(el("th", heading, scope="col") for heading in headings))
    body = [
        el(
            "tr",
            *(
                el("td", el("div", cell), data_label=heading)
                for heading, cell in zip(headings, row, strict=True)
            ),
        )
        for row in rows
    ]
    return el("table", el("thead", head), el("tbody", *body), class_=name)


def qr(code: str) -> Element:
    """Draw a QR code, each dark module as one square of a path."""
    # To try every mask takes 15 ms; it matters to texts with patterns, and a hash has none.
    rows = segno.make(code, error="m", micro=False, mask=_QR_MASK).matrix
    side = len(rows) + 2 * _QR_MARGIN
    squares = "".join(
        f"M{column + _QR_MARGIN} {row + _QR_MARGIN}h1v1h-1z"
        for row, modules in enumerate(rows)
        for column, dark in enumerate(modules)
        if dark
    )
    return el(
        "svg",
        el("rect", width=str(side), height=str(side), class_="paper"),
        el("path", d=squares, class_="ink"),
        class_="qr",
        viewBox=f"0 0 {side} {side}",
        role="img",
        aria_label=f"QR code: {code}",
        shape_rendering="crispEdges",
    )
