"""Which questions can be answered: of the currency, the address, the transaction and the day."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from app.addresses import (
    SUPPORTED,
    InvalidAddress,
    currencies_of,
    read_address,
    read_transaction,
    refuse_other_text,
    refuse_test_network,
)
from app.assessments.claims import Subject
from app.assessments.providers.ensemble import ProviderEnsemble
from app.assessments.rules.questions import DAY_TEXT
from app.lists.lookup import Lists
from app.runtime.clock import Clock
from app.runtime.errors import InvalidParameter

# The providers whose answers rest on the lists.
_LOOK_IN_LISTS: Final = ("sanctions", "tags", "exposure")


@dataclass(frozen=True)
class Askable:
    """What may be asked of the lists, as far as questions want to know.

    As of which days in UTC: from `first` (None: there is none) to today. `assets` are those that
    lists name beyond the supported ones, in capitals.
    """

    first: date | None
    today: date
    assets: frozenset[str]


async def askable_for(
    subjects: Iterable[Subject], ensemble: ProviderEnsemble, lists: Lists, clock: Clock
) -> Askable:
    """Look up what the lists answer, where one of the subjects wants to know.

    Raises ListsNotInForce.
    """
    asked = list(subjects)
    if any(ensemble.provider(name) for name in _LOOK_IN_LISTS):
        await lists.refuse_without_required()
    screens = ensemble.provider("sanctions") is not None
    wants_day = any(one.as_of for one in asked)
    wants_asset = any(one.currency.upper() not in SUPPORTED for one in asked)
    return Askable(
        await lists.first_day(sanctions=screens) if wants_day else None,
        clock.now().date(),
        await lists.assets() if wants_asset else frozenset(),
    )


def refuse_unanswerable(subject: Subject, ensemble: ProviderEnsemble, askable: Askable) -> None:
    """Refuse what nobody could answer. Raises InvalidParameter."""
    currencies = ensemble.currencies(subject.assessment_type, askable.assets)
    if subject.currency.upper() not in currencies:
        raise InvalidParameter("currency", f"one of: {', '.join(currencies)}")
    _refuse_address(subject)
    _refuse_transaction(subject)
    _refuse_chain(subject, ensemble)
    if subject.as_of is not None:
        _refuse_day(subject, subject.as_of, ensemble, askable)


def _refuse_address(subject: Subject) -> None:
    """Refuse what is no address of the currency, with the reason. Raises InvalidParameter."""
    try:
        read_address(subject.currency, subject.address)
        refuse_other_text(subject.currency, subject.address)
    except InvalidAddress as fault:
        others = currencies_of(subject.address)
        hint = f"it is one of {', '.join(others)}" if others else str(fault)
        raise InvalidParameter(
            "address", f"a well-formed address of the currency ({hint})"
        ) from None
    try:
        refuse_test_network(subject.currency, subject.address)
    except InvalidAddress as fault:
        raise InvalidParameter(
            "address", f"an address of the currency's main network ({fault})"
        ) from None


def _refuse_transaction(subject: Subject) -> None:
    """Refuse what names no transaction of the currency. Raises InvalidParameter."""
    if subject.tx_hash is None:
        return
    try:
        read_transaction(subject.currency, subject.address, subject.tx_hash)
    except InvalidAddress as fault:
        raise InvalidParameter("tx_hash", str(fault)) from None


def _refuse_chain(subject: Subject, ensemble: ProviderEnsemble) -> None:
    """Refuse an address of a chain that no provider is asked about. Raises InvalidParameter."""
    asked = (subject.assessment_type, subject.currency, None)
    if not ensemble.supporting(*asked, subject.address):
        reasons = "; ".join(ensemble.why_not(subject.currency, subject.address).values())
        raise InvalidParameter("address", f"of a chain that a provider answers for ({reasons})")


def _refuse_day(subject: Subject, day: date, ensemble: ProviderEnsemble, askable: Askable) -> None:
    """Refuse a day as of which there is no answer. Raises InvalidParameter."""
    if day > askable.today:
        raise InvalidParameter("as_of", DAY_TEXT)
    if not ensemble.supporting(subject.assessment_type, subject.currency, day):
        raise InvalidParameter("as_of", f"left out: {ensemble.name} answers as of now alone")
    if askable.first is None:
        raise InvalidParameter("as_of", "left out: no list has been imported")
    if day < askable.first:
        raise InvalidParameter("as_of", f"{askable.first} or later: the lists go back no further")
