"""The provider `crystal`: what Crystal says of an address or a transaction, weighed by category."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from app.addresses import chains_of, check_address, one_transaction, plain_address
from app.assessments.providers.base import (
    Answer,
    Evidence,
    FailureReason,
    ProviderFailed,
    ProviderPending,
    ProviderUnknown,
    Question,
    VendorScore,
    score_of,
    weighed,
)
from app.assessments.providers.vendor_outcomes import for_the_question
from app.assessments.rules.questions import AssessmentType
from app.assessments.rules.risk_words import category_words, percent
from app.lists.rules.risk import CATEGORIES, OTHER, SCOPE, grade_of, to_share
from app.partners.crystal.assets import ASSETS, FIAT_DECIMALS, Asset, in_whole
from app.partners.crystal.client import KEY_HEADER, CrystalClient
from app.partners.crystal.wire import CrystalQuestion, Transfer
from app.partners.failures import OperatorNeeded, PartnerFailure
from app.partners.http import PartnerClient
from app.runtime.money import plain

NAME: Final = "crystal"
SOURCE: Final = "Crystal"
# Not "none": that nothing is known of an address says nothing about it.
GRADE_NOTHING_KNOWN: Final = "nothing known"
# At so few calls an operator should buy more, before a buyer meets the end of them.
LOW_CALLS: Final = 500

# Crystal may still do what it was asked when we no longer wait; what it does not show after so long
# never arrived.
_LATE: Final = timedelta(seconds=30)

Alarm = Callable[[str], None]


class CallsLeft:
    """Tells a gauge how many calls are left, and rings once when they are few, once at none."""

    def __init__(self, gauge: Callable[[int], None], alarm: Alarm) -> None:
        self._gauge = gauge
        self._alarm = alarm
        self._rung: str | None = None

    def __call__(self, calls_left: int) -> None:
        """Take note of a number; more calls than few ones arm the bell again."""
        self._gauge(calls_left)
        kind = None
        if calls_left <= LOW_CALLS:
            kind = "crystal_calls_low" if calls_left else "crystal_calls_none"
        if kind is not None and kind != self._rung:
            self._alarm(kind)
        self._rung = kind


class CrystalProvider:
    """Asks Crystal. `http` is of its base URL, with the key in KEY_HEADER.

    `gauge` is told how many calls are left; `alarm` what an operator must look at.
    """

    def __init__(self, http: PartnerClient, *, gauge: Callable[[int], None], alarm: Alarm) -> None:
        self._client = CrystalClient(http, CallsLeft(gauge, alarm))
        self._alarm = alarm

    @property
    def name(self) -> str:
        """The name that is stored with its answers."""
        return NAME

    async def edition(self) -> str:
        """None is told: an answer is as of the time when it was given."""
        return ""

    def supports(self, _assessment_type: AssessmentType, currency: str, as_of: date | None) -> bool:
        """Say whether Crystal is asked about a currency; it answers as of now alone."""
        return as_of is None and currency.upper() in ASSETS

    def why_not(self, currency: str, address: str) -> str | None:
        """Say why Crystal is not asked about an address: it is of another chain than its asset."""
        asset = ASSETS.get(currency.upper())
        if asset is None or asset.chain in chains_of(currency, address):
            return None
        return f"{SOURCE} is asked about {currency.upper()} on {asset.chain} alone"

    async def assess(self, question: Question) -> Answer:
        """Ask Crystal, which costs a call.

        Raises ProviderFailed, ProviderUnknown or ProviderPending.
        """
        asked = _asked(question)
        try:
            transfer = await self._client.add(asked)
        except PartnerFailure as failure:
            self._ring(failure)
            raise for_the_question(failure) from failure
        return _answer(question, asked.asset, transfer)

    async def find_existing(self, question: Question) -> Answer | None:
        """Find what Crystal was asked before, which costs nothing; None: it surely was not asked.

        Raises ProviderFailed, ProviderPending, and ProviderUnknown, however the look fails, and while
        the question may still be on its way.
        """
        asked, reference = _asked(question), question.provider_reference
        try:
            found = None if reference is None else await self._client.look(reference, asked)
            transfer = found or await self._client.search(asked, question.first_attempt_at)
        except PartnerFailure as failure:
            self._ring(failure)
            raise ProviderUnknown from failure
        if transfer is None and question.idle_for is not None and question.idle_for < _LATE:
            raise ProviderUnknown
        return None if transfer is None else _answer(question, asked.asset, transfer)

    def _ring(self, failure: PartnerFailure) -> None:
        if isinstance(failure, OperatorNeeded):
            self._alarm(f"crystal_{failure.label}")


def crystal_headers(api_key: str) -> dict[str, str]:
    """Return the headers that a request to Crystal needs."""
    return {KEY_HEADER: api_key}


def _asked(question: Question) -> CrystalQuestion:
    asset = ASSETS.get(question.currency.upper())
    if asset is None:
        raise ProviderFailed(FailureReason.REFUSED)
    transaction = question.tx_hash and one_transaction(
        question.currency, question.address, question.tx_hash
    )
    address = plain_address(question.currency, question.address)
    return CrystalQuestion(question.assessment_id, address, transaction, asset)


def _answer(question: Question, asset: Asset, transfer: Transfer) -> Answer:
    """Return what a transfer says. Raises ProviderPending while Crystal works on it."""
    if not transfer.ready:
        raise ProviderPending(transfer.id)
    evidence = weighed([*_reasons(transfer), *_limits(question, asset, transfer)])
    score = score_of(evidence)
    return Answer(
        risk_score=score,
        grade=GRADE_NOTHING_KNOWN if _is_unknown(transfer) else grade_of(score),
        evidence=evidence,
        provider=NAME,
        sources=(),
        address_form=check_address(question.currency, question.address),
        provider_reference=transfer.id,
        vendor=None if transfer.riskscore is None else _vendor(transfer, transfer.riskscore),
    )


def _is_unknown(transfer: Transfer) -> bool:
    return transfer.riskscore is None and not any(transfer.signals.values())


def _vendor(transfer: Transfer, score: Decimal) -> VendorScore:
    return VendorScore(score=score, signals=transfer.signals, weights=transfer.weights)


def _reasons(transfer: Transfer) -> list[Evidence]:
    """Return a reason for each category that Crystal sees, the one that adds most first."""
    reasons = [
        _reason(
            transfer,
            name if name in CATEGORIES else OTHER,
            share,
            transfer.weights.get(name, CATEGORIES.get(name, CATEGORIES[OTHER])),
            f"{percent(share)} of the value is connected with {_named(name)}",
        )
        for name, share in transfer.signals.items()
        if share
    ]
    if not reasons and transfer.riskscore:
        detail = "Crystal's own score, for which it names no categories"
        reasons = [_reason(transfer, OTHER, transfer.riskscore, Decimal(1), detail)]
    return sorted(reasons, key=lambda item: (-item.share * item.weight, item.category))


def _named(name: str) -> str:
    """Return a category of ours in words; one that only Crystal knows keeps its name."""
    return category_words(name) if name in CATEGORIES else name


def _reason(
    transfer: Transfer, category: str, share: Decimal, weight: Decimal, detail: str
) -> Evidence:
    return Evidence(
        category=category,
        source=SOURCE,
        source_date=transfer.updated_on,
        detail=detail,
        share=to_share(share),
        weight=to_share(weight),
    )


def _limits(question: Question, asset: Asset, transfer: Transfer) -> list[Evidence]:
    """Say what the answer is about, and what it is not."""
    said = []
    if _is_unknown(transfer):
        said.append("Crystal knows nothing about it")
    if transfer.riskscore is not None and question.tx_hash is not None:
        said.append(
            f"Crystal's score {plain(transfer.riskscore)} is the counterparty's, "
            "not the transaction's"
        )
    if transfer.amount is not None:
        said.append(f"the transaction moved {_moved(question, asset, transfer.amount)}")
    if transfer.fiat is not None and transfer.fiat_code is not None:
        worth = plain(in_whole(transfer.fiat, FIAT_DECIMALS))
        said.append(f"it was worth {worth} {transfer.fiat_code.upper()} at its time")
    if transfer.alert_grade is not None:
        said.append(f"Crystal's alert grade is {transfer.alert_grade}")
    return [
        Evidence(category=SCOPE, source=SOURCE, source_date=transfer.updated_on, detail=detail)
        for detail in said
    ]


def _moved(question: Question, asset: Asset, amount: Decimal) -> str:
    currency = question.currency.upper()
    if asset.decimals is None:
        return f"{plain(amount)} in the smallest units of {currency}, as Crystal counts them"
    return f"{plain(in_whole(amount, asset.decimals))} {currency}"
