"""The faults that a control can order: each breaks the answer, the connection, or the promise.

`before`: the request does no work; `after`: it does its work, then its answer is spoiled.
"""

import random
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.sandbox.limits import Endpoint
from app.sandbox.vendors import ChainalysisEndpoint, CrystalEndpoint, Vendor
from app.sandbox.views import EsploraEndpoint, View

AEONTO: Final = "aeonto"
Source = Literal["aeonto"] | View | Vendor
AnyEndpoint = Endpoint | EsploraEndpoint | CrystalEndpoint | ChainalysisEndpoint


class Kind(StrEnum):
    """What may go wrong."""

    TIMEOUT = "timeout"  # after: answered `seconds` late; before: closed unanswered, so late
    DROP = "drop"  # the connection ends without an answer
    RESET = "reset"  # the connection is reset
    E400 = "400"
    E403 = "403"
    E404 = "404"
    E429 = "429"  # of all but AEON.to; `seconds` are its Retry-After
    E500 = "500"
    E503 = "503"
    HTML = "html"  # a page, with status 200
    EMPTY = "empty"  # no body, with status 200
    REDIRECT = "redirect"  # 307 to the URL in `code`
    MALFORMED = "malformed"  # JSON that ends half-way
    NAN = "nan"  # NaN for every number
    NEGATIVE = "negative"  # every number negated
    STRINGS = "strings"  # every number as a string, which clients must accept
    DUPKEYS = "dupkeys"  # a second `state` (or first member) that contradicts
    DEEP = "deep"  # a member nested 10,000 deep
    INVALID_UTF8 = "invalidutf8"  # bytes that are not UTF-8 in a member
    HUGE = "huge"  # a member of 128 KiB


# AEONTO-ERROR numbers of these statuses when `code` names none; 500 is always a page.
DEFAULT_CODES: Final = {Kind.E400: "005", Kind.E403: "012", Kind.E404: "006", Kind.E503: "001"}
NO_CODE: Final = "none"  # such an answer is a page without an error number
SPOILERS: Final = frozenset(
    {
        Kind.MALFORMED,
        Kind.NAN,
        Kind.NEGATIVE,
        Kind.STRINGS,
        Kind.DUPKEYS,
        Kind.DEEP,
        Kind.INVALID_UTF8,
        Kind.HUGE,
    }
)
_AFTER_BY_DEFAULT: Final = SPOILERS | {Kind.TIMEOUT, Kind.DROP, Kind.EMPTY}
_MOST_FAULTS: Final = 100


def _endpoints_of(source: Source) -> type[StrEnum]:
    match source:
        case "aeonto":
            return Endpoint
        case Vendor.CRYSTAL:
            return CrystalEndpoint
        case Vendor.CHAINALYSIS:
            return ChainalysisEndpoint
        case _:
            return EsploraEndpoint


class Fault(BaseModel):
    """A fault to play on the next requests to AEON.to, a view of the chain, or a vendor."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    source: Source = AEONTO
    endpoint: AnyEndpoint | None = Field(None, description="of that source; none: every one")
    when: Literal["before", "after"] | None = Field(None, description="none: as suits the kind")
    times: Annotated[int, Field(ge=-1)] = Field(1, description="-1: until it is deleted")
    p: Annotated[float, Field(gt=0, le=1)] = Field(1.0, description="the chance for each request")
    seconds: Annotated[float, Field(ge=0, le=86_400)] = Field(
        8.0, description="of a timeout, or a 429"
    )
    code: str | None = Field(
        None, description='error number ("008"), "none" for a page, or the URL of a redirect'
    )

    @model_validator(mode="after")
    def _fit(self) -> Self:
        if not self.times:
            raise ValueError("times must be at least 1, or -1")
        if self.endpoint and not isinstance(self.endpoint, _endpoints_of(self.source)):
            raise ValueError(f"{self.source} has no endpoint {self.endpoint}")
        if self.kind is Kind.E429 and self.source == AEONTO:
            raise ValueError("AEON.to throttles with 403 and 012; 429 is for the others")
        if self.kind in SPOILERS and self.when == "before":
            raise ValueError(f"{self.kind} spoils an answer: when must be 'after'")
        if self.kind is Kind.REDIRECT and not self.code:
            raise ValueError("redirect needs the URL as code")
        if self.kind in DEFAULT_CODES and self.code not in (None, NO_CODE):
            number = self.code or ""
            if not (len(number) == len("000") and number.isascii() and number.isdigit()):
                raise ValueError("code must be three digits, or none")
        return self

    @property
    def after(self) -> bool:
        """Whether the request does its work."""
        return self.when == "after" or (self.when is None and self.kind in _AFTER_BY_DEFAULT)


class Faults:
    """The faults that are ordered, oldest first."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.waiting: list[Fault] = []

    def order(self, fault: Fault) -> None:
        """Add a fault. Raises ValueError when too many wait."""
        if len(self.waiting) >= _MOST_FAULTS:
            raise ValueError(f"at most {_MOST_FAULTS} faults may wait; delete some")
        self.waiting.append(fault)

    def draw(self, source: Source, endpoint: AnyEndpoint) -> Fault | None:
        """Return the fault that this request meets, if any; it then has one time less to play."""
        for fault in self.waiting:
            meant = fault.source == source and fault.endpoint in (None, endpoint)
            if not meant or (fault.p < 1 and self._chance.random() >= fault.p):
                continue
            if fault.times > 0:
                fault.times -= 1
                if not fault.times:
                    self.waiting.remove(fault)
            return fault
        return None

    def clear(self) -> None:
        """Forget every fault."""
        self.waiting.clear()
