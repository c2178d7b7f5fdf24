"""The one environment of the templates of pages, which lie in `app/templates` (Jinja2).

It escapes every expression, and removes what turns the direction of writing. A name that a template
does not know is an error, and all templates are compiled when the module is imported.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from app.runtime.money import plain

TEMPLATES: Final = Path(__file__).parents[1] / "templates"
_DAY: Final = re.compile(r"(\d{4}-\d{2}-\d{2})")
# What turns the direction of writing (Unicode, UAX 9): it can make a name read as another.
_TURNING: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")


def _without_turning(value: object) -> object:
    """Return a text of an expression without what turns the direction of writing."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return _TURNING.sub("\N{REPLACEMENT CHARACTER}", value)
    return value


def _make_environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_without_turning,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["plain"] = plain
    environment.filters["split_days"] = _DAY.split  # each second part is a day
    for name in environment.list_templates(extensions=["html"]):
        environment.get_template(name)  # compiled now, and kept
    return environment


ENVIRONMENT: Final = _make_environment()


def render(template: str, names: Mapping[str, Any]) -> str:
    """Return the page that a template makes of these names. Raises UndefinedError."""
    return ENVIRONMENT.get_template(template).render(names)
