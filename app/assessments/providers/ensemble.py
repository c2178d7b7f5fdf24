"""The providers that the settings name, one or several, and what their answers come to together."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from app.addresses import SUPPORTED
from app.assessments.providers.base import (
    Answer,
    ChoosesAddresses,
    Opinion,
    RiskProvider,
    Source,
)
from app.assessments.rules.questions import AssessmentType
from app.lists.rules.risk import grade_of

NOT_ASKED = "the risk provider answers no such question"


class ProviderEnsemble:
    """One provider, or several of which each is asked."""

    def __init__(self, providers: Sequence[RiskProvider]) -> None:
        """Take providers of different names. Raises ValueError for none."""
        if not providers:
            raise ValueError("no risk provider is named")
        self._providers = {provider.name: provider for provider in providers}
        self.name = "+".join(self._providers)

    async def edition(self) -> str:
        """Return from which edition of their data the providers answer now."""
        editions = {name: await one.edition() for name, one in self._providers.items()}
        if len(editions) == 1:
            return editions[self.name]
        text = "\n".join(f"{name}={edition}" for name, edition in editions.items())
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def currencies(
        self, assessment_type: AssessmentType, listed: Collection[str] = ()
    ) -> list[str]:
        """Return for which currencies somebody answers; any other is refused before any debit.

        `listed` are those that lists name, whether their addresses can be checked or not.
        """
        return [
            currency
            for currency in sorted({*SUPPORTED, *listed})
            if self.supporting(assessment_type, currency, None)
        ]

    def supporting(
        self,
        assessment_type: AssessmentType,
        currency: str,
        as_of: date | None,
        address: str | None = None,
    ) -> list[str]:
        """Return who answers such a question; nobody: it is refused before any debit.

        Without an address: who answers it about some address of the currency.
        """
        refusing = {} if address is None else self.why_not(currency, address)
        return [
            name
            for name, one in self._providers.items()
            if name not in refusing and one.supports(assessment_type, currency, as_of)
        ]

    def why_not(self, currency: str, address: str) -> dict[str, str]:
        """Return by provider why it is not asked about an address; of the others nothing."""
        reasons = {
            name: one.why_not(currency, address)
            for name, one in self._providers.items()
            if isinstance(one, ChoosesAddresses)
        }
        return {name: reason for name, reason in reasons.items() if reason is not None}

    def provider(self, name: str) -> RiskProvider | None:
        """Return a provider; None when it is no longer among them."""
        return self._providers.get(name)

    def together(self, answers: Mapping[str, Answer], reasons: Mapping[str, str]) -> Answer:
        """Return the one answer that several come to.

        `answers` and `reasons`, why there is none, are by provider; at least one answered. The
        highest score counts, with its evidence: a warning is not outvoted. Of several equal ones it
        is that of the provider who was named first. What each said stands in the opinions.
        """
        in_order = [*self._providers, *(answers.keys() - self._providers.keys())]
        first = [answers[name] for name in in_order if name in answers]
        worst = max(first, key=lambda answer: answer.risk_score)
        if len(in_order) == 1:
            return worst
        return replace(
            worst,
            sources=_sources(first),
            opinions=tuple(
                _opinion(answers[name])
                if name in answers
                else Opinion(provider=name, reason=reasons.get(name, NOT_ASKED))
                for name in in_order
            ),
            disagreement=len({grade_of(answer.risk_score) for answer in first}) > 1,
        )


def _sources(answers: Iterable[Answer]) -> tuple[Source, ...]:
    return tuple(dict.fromkeys(source for answer in answers for source in answer.sources))


def _opinion(answer: Answer) -> Opinion:
    return Opinion(
        provider=answer.provider,
        risk_score=answer.risk_score,
        grade=answer.grade,
        evidence=answer.evidence,
        provider_reference=answer.provider_reference,
        vendor=answer.vendor,
    )
