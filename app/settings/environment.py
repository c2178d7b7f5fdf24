"""Reading settings from the environment and `.env`, and saying what is wrong with them."""

import os
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import UnionType
from typing import Final, NamedTuple, get_args

from annotated_types import Ge, Gt, Le, Lt
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from typing_extensions import override

from app.runtime import plain_text
from app.runtime.dotenv_file import DotenvMalformed, read_dotenv
from app.settings.fields import ConfigurationError, Unit
from app.settings.model import Settings, variables

PREFIX: Final = "ASSAY_"
DOTENV: Final = ".env"
# Kubernetes injects these for a Service that is named "assay".
_INJECTED: Final = ("ASSAY_SERVICE_", "ASSAY_PORT_")


class SettingFault(NamedTuple):
    """A variable that is unknown or malformed, and why."""

    variable: str
    reason: str

    @override
    def __str__(self) -> str:
        return f"{self.variable}: {self.reason}"


def load_settings() -> Settings:
    """Read the environment and `.env`; the environment wins, and what is empty is not set.

    Raises ConfigurationError with one line per variable that is unknown or malformed.
    """
    settings, faults = read_settings()
    if faults:
        raise ConfigurationError("\n".join(str(fault) for fault in faults))
    return settings


def read_settings() -> tuple[Settings, list[SettingFault]]:
    """Read as `load_settings` does; what is unknown or malformed is told, and left out.

    Raises ConfigurationError where `.env` itself cannot be read.
    """
    try:
        written = read_dotenv(Path(DOTENV), os.environ)
    except DotenvMalformed as fault:
        raise ConfigurationError(str(fault)) from None
    given = {name: text for name, text in written.items() if text}
    given |= {name: text for name, text in os.environ.items() if text}
    faults = _misnamed({*written, *os.environ})
    values: dict[str, object] = {}
    for name, field in variables().items():
        if name not in given:
            continue
        try:
            values[name] = _value(field, given[name])
        except ValueError as fault:
            faults.append(SettingFault(name, str(fault)))
    try:
        return Settings.of(values), faults
    except ValidationError as error:
        refused = [
            _refusal(details) for details in error.errors(include_input=False, include_url=False)
        ]
    wrong = {fault.variable for fault in refused}
    good = {name: value for name, value in values.items() if name not in wrong}
    return Settings.of(good), [*faults, *refused]


def _misnamed(names: Iterable[str]) -> list[SettingFault]:
    """Return each name that looks like a setting and is none."""
    known = variables()
    faults = []
    for name in sorted(names):
        if not name.upper().startswith(PREFIX) or name.startswith(_INJECTED):
            continue
        if name.upper() not in known:
            faults.append(SettingFault(name, "no such setting"))
        elif name != name.upper():
            faults.append(SettingFault(name, f"must be written in capitals, {name.upper()}"))
    return faults


def _refusal(details: ErrorDetails) -> SettingFault:
    """Return what pydantic has against a field, without the value."""
    name = next(str(part) for part in details["loc"] if str(part).startswith(PREFIX))
    own_words = details["msg"].removeprefix("Value error, ")
    is_own = details["type"] == "value_error"
    words = None if is_own else _allowed(variables()[name])
    return SettingFault(name, words or own_words)


def _kind(field: FieldInfo) -> object:
    """Return the type that a field has when it is set."""
    kinds = [kind for kind in get_args(field.annotation) if kind is not type(None)]
    return kinds[0] if isinstance(field.annotation, UnionType) else field.annotation


def _unit(field: FieldInfo) -> timedelta | None:
    """Return what one in the text of a variable stands for; None: its field is no span of time."""
    return next((unit.span for unit in field.metadata if isinstance(unit, Unit)), None)


def _value(field: FieldInfo, text: str) -> object:
    """Read what a variable says by the type of its field. Raises ValueError, without the text."""
    kind, unit = _kind(field), _unit(field)
    if text.startswith("tcp://") and kind is int:
        raise ValueError(
            "looks injected by Kubernetes for a Service named 'assay': rename the Service, or set"
            " enableServiceLinks: false"
        )
    if kind is bool:
        return plain_text.truth(text)
    try:
        if unit is not None:
            return plain_text.whole_number(text) * unit
        if kind is int:
            return plain_text.whole_number(text)
        if kind is Decimal:
            return plain_text.decimal_number(text)
    except (ValueError, OverflowError):
        raise ValueError(_allowed(field)) from None
    return text


def _allowed(field: FieldInfo) -> str | None:
    """Say which numbers a field takes; None when it takes no number."""
    unit = _unit(field)
    names: Final[dict[object, str]] = {int: "a whole number", Decimal: "a decimal number"}
    name = names.get(int if unit is not None else _kind(field))
    if name is None:
        return None
    words = []
    for limit in field.metadata:
        match limit:
            case Ge(ge):
                words.append(f"from {_in(unit, ge)}")
            case Gt(gt):
                words.append(f"above {_in(unit, gt)}")
            case Le(le):
                words.append(f"to {_in(unit, le)}")
            case Lt(lt):
                words.append(f"and below {_in(unit, lt)}")
            case _:
                pass
    return f"must be {name} {' '.join(words)}, in ASCII digits"


def _in(unit: timedelta | None, limit: object) -> object:
    """Return a limit as it is written in a variable."""
    return limit // unit if unit is not None and isinstance(limit, timedelta) else limit
