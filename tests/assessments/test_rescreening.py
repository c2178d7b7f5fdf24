"""Looking again: earlier answers that a new version of a list changes are marked, for nothing."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from app import audit
from app.addresses.spelling import SPELLING_RULES
from app.assessments import answer_changes, claims, receipts, rescreening, service
from app.assessments.claims import Subject
from app.assessments.context import AssessmentContext
from app.assessments.providers.base import ProviderUnknown
from app.assessments.providers.ensemble import ProviderEnsemble
from app.assessments.providers.sanctions import SanctionsProvider
from app.assessments.providers.tags import TagsProvider
from app.assessments.rescreening import RETRY_AFTER, SETTLED_AFTER, review_next
from app.assessments.responses import assessment_response
from app.assessments.rules.receipts import content_of
from app.assessments.views import AssessmentView
from app.lists import importing
from app.lists.lookup import Lists
from app.lists.rules.listings import ListedAddress, ListingFacts
from app.runtime.db.engine import Database
from tests.assessments.test_service import SUBJECT
from tests.support.application import ScriptedProvider
from tests.support.assessments import finish_due
from tests.support.clock import HandClock
from tests.support.databases import LentDatabase
from tests.support.lists import import_rows, listed
from tests.support.orders import balance_of, count
from tests.support.people import ACTOR, Person, make_user

SATOSHI = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
EVM = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
OTHER = "3P14159f73E4gFr7JterCCQh9QjiTjiZrG"
# Monero's tests: a standard address, and an integrated one of the same keys.
XMR_STANDARD = (
    "4AdUndXHHZ6cfufTMvppY6JwXNouMBzSkbLYfpAV5Usx3skxNgYeYTRj5UzqtReoS44qo9mtmXCqY45DJ852K5Jv2684"
    "Rge"
)
XMR_INTEGRATED = (
    "4LL9oSLmtpccfufTMvppY6JwXNouMBzSkbLYfpAV5Usx3skxNgYeYTRj5UzqtReoS44qo9mtmXCqY45DJ852K5Jv2bYXZK"
    "KQePHES9khPK"
)
SPRING, SUMMER, AUTUMN = date(2025, 3, 1), date(2025, 7, 1), date(2025, 10, 1)


class ListHarness:
    """Lists, somebody who asks about addresses, and a worker that looks again."""

    def __init__(self, database: Database, clock: HandClock, buyer: Person) -> None:
        self.database, self.clock, self.buyer = database, clock, buyer
        self.ensemble = ProviderEnsemble([SanctionsProvider(Lists(database, clock))])

    async def publish(
        self,
        *rows: ListedAddress,
        issued: date,
        source: str = "OFAC SDN",
        **how: Any,  # noqa: ANN401
    ) -> None:
        """Import a version, and let every process notice it."""
        await import_rows(
            self.database,
            rows,
            issued=issued,
            source=source,
            now=self.clock.now(),
            confirm_shrink=True,
            **how,
        )
        self.clock.advance(SETTLED_AFTER / timedelta(seconds=1))

    async def ask(self, address: str, currency: str = "BTC", as_of: date | None = None) -> str:
        made = await service.create(
            AssessmentContext(self.database, self.ensemble, self.clock),
            pick_account=service.from_own_account(self.buyer.caller),
            subject=Subject(SUBJECT.assessment_type, address, currency, None, as_of),
            actor=ACTOR,
        )
        return made.assessment.id

    async def look_again(self) -> None:
        while await review_next(self.database, self.clock):
            pass

    async def view(self, assessment_id: str) -> AssessmentView:
        async with self.database.reading() as connection:
            found = await service.views_of(connection, self.buyer.account_id, [assessment_id])
        return found[assessment_id]

    async def changes(self, assessment_id: str) -> list[dict[str, Any]]:
        return (await self.view(assessment_id)).changes

    async def told(self, assessment_id: str) -> Sequence[tuple[int, bool, str, str]]:
        return [
            (one["version"], one["is_listed"], one["score_before"], one["score_after"])
            for one in await self.changes(assessment_id)
        ]


def entry(address: str, **facts: str) -> dict[str, Any]:
    """Return a row as a change shows it."""
    nothing = {"party_type": None, "list_uid": None, "listed_on": None, "source_url": None}
    row = {"address": address, "asset": "XBT", "category": "sanctions", "label": ""}
    return {**row, "reference": "", "aliases": [], "programs": [], **nothing, **facts}


@pytest.fixture
async def office(database: LentDatabase, clock: HandClock) -> ListHarness:
    buyer = await make_user(database, clock.now(), credits_given=20)
    return ListHarness(database, clock, buyer)


async def test_delisting_and_listing_mark_earlier_answers_with_what_changed(
    office: ListHarness,
) -> None:
    doe = listed(SATOSHI, label="DOE", facts=ListingFacts(list_uid="36"))
    await office.publish(doe, listed(EVM, "ETH"), issued=SPRING)
    dropped, kept = await office.ask(SATOSHI), await office.ask(EVM.lower(), "ETH")
    added, clean = await office.ask(OTHER), await office.ask("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2")
    await office.publish(
        listed(EVM, "ETH"), listed(OTHER, label="ROE", reference="uid 7"), issued=SUMMER
    )
    await office.look_again()

    assert await office.changes(dropped) == [
        {
            "source": "OFAC SDN",
            "version": 2,
            "issued": "2025-07-01",
            "found_at": (await office.changes(dropped))[0]["found_at"],
            "is_listed": False,
            "score_before": "1",
            "grade_before": "severe",
            "score_after": "0",
            "grade_after": "not on the lists",
            "entries": [entry(SATOSHI, label="DOE", list_uid="36")],
        }
    ]
    (change,) = await office.changes(added)
    assert (change["is_listed"], change["score_before"], change["score_after"]) == (True, "0", "1")
    assert (change["grade_before"], change["grade_after"]) == ("not on the lists", "severe")
    assert change["entries"] == [entry(OTHER, label="ROE", reference="uid 7")]
    assert await office.changes(kept) == await office.changes(clean) == []
    query = text(
        "SELECT previous_status, data FROM events WHERE type = 'assessment.changed' ORDER BY id"
    )
    async with office.database.reading() as connection:
        told = [(row.previous_status, row.data) for row in await connection.execute(query)]
    assert told == [
        ("ready", json.loads(assessment_response(await office.view(one)).model_dump_json()))
        for one in sorted((dropped, added))
    ]


async def test_tags_that_come_change_and_go_mark_earlier_answers_of_tags_alone(
    office: ListHarness, database: LentDatabase, clock: HandClock
) -> None:
    await office.publish(listed(OTHER), issued=SPRING)
    of_sanctions = await office.ask(SATOSHI)
    held = Lists(database, clock)
    office.ensemble = ProviderEnsemble([TagsProvider(held)])
    of_tags = await office.ask(SATOSHI)
    office.ensemble = ProviderEnsemble([SanctionsProvider(held), TagsProvider(held)])
    of_both = await office.ask(SATOSHI)
    pack: dict[str, Any] = {"source": "pack", "origin": "p/pack.yaml", "confirm_churn": True}
    versions = (
        (SPRING, [listed(SATOSHI, category="gambling")]),
        (SUMMER, [listed(SATOSHI, category="mixer", label="a mixer")]),
        (AUTUMN, [listed(EVM, "ETH", category="mixer")]),
    )
    for issued, rows in versions:
        await office.publish(*rows, issued=issued, **pack)
        await office.look_again()

    told = [
        (1, True, "0", "0.75"),
        (2, True, "0.75", "1"),
        (3, False, "1", "0"),
    ]
    assert await office.told(of_sanctions) == []
    assert await office.told(of_tags) == await office.told(of_both) == told
    first, second, _ = await office.changes(of_tags)
    assert (first["grade_before"], first["grade_after"]) == ("no tag found", "severe")
    assert second["entries"][0]["category"] == "mixer"

    # What a sanctions list says new counts before what it means as a tag.
    await office.publish(listed(OTHER), listed(SATOSHI), issued=AUTUMN)
    await office.look_again()
    assert (await office.told(of_both))[-1] == (2, True, "0", "1")
    assert (await office.changes(of_both))[-1]["grade_before"] == "not on the lists"
    assert await office.told(of_sanctions) == [(2, True, "0", "1")]


async def test_marking_is_free_and_leaves_answer_and_receipt_as_they_were(
    office: ListHarness, database: LentDatabase
) -> None:
    await office.publish(listed(SATOSHI), issued=SPRING)
    made = await office.ask(SATOSHI)
    caller = office.buyer.caller
    before = await receipts.finished(database, caller=caller, assessment_id=made)
    view, entries = await office.view(made), await count(database, "ledger_entries")
    balance = await balance_of(database, office.buyer.account_id)
    await office.publish(listed(OTHER), issued=SUMMER)
    await office.look_again()

    after = await receipts.finished(database, caller=caller, assessment_id=made)
    assert len(after.changes) == 1
    assert content_of(after) == content_of(before)
    seen = await office.view(made)
    assert (seen.answer, seen.updated_at) == (view.answer, view.updated_at)
    assert await count(database, "ledger_entries") == entries
    assert await balance_of(database, office.buyer.account_id) == balance
    async with database.reading() as connection:
        assert await audit.breaches(connection) == []


async def test_each_version_marks_what_it_changed_one_after_the_other(office: ListHarness) -> None:
    await office.publish(listed(SATOSHI), issued=SPRING)
    made = await office.ask(SATOSHI)
    await office.publish(listed(OTHER), issued=SUMMER)
    await office.publish(listed(OTHER), listed(SATOSHI), issued=AUTUMN)
    await office.look_again()
    assert await office.told(made) == [(2, False, "1", "0"), (3, True, "0", "1")]


async def test_address_that_another_list_still_has_keeps_its_score_and_is_marked(
    office: ListHarness,
) -> None:
    await office.publish(listed(SATOSHI), issued=SPRING)
    await office.publish(listed(SATOSHI), issued=SPRING, source="another list")
    made = await office.ask(SATOSHI)
    await office.publish(listed(OTHER), issued=SUMMER, source="another list")
    await office.look_again()
    assert await office.told(made) == [(2, False, "1", "1")]


async def test_first_list_marks_what_the_sample_answered(office: ListHarness) -> None:
    made = await office.ask(SATOSHI)
    await office.publish(listed(SATOSHI), issued=SPRING)
    await office.look_again()
    assert await office.told(made) == [(1, True, "0", "1")]


async def test_new_name_of_a_listing_and_what_is_no_sanction_change_no_answer(
    office: ListHarness,
) -> None:
    await office.publish(listed(SATOSHI, label="DOE"), issued=SPRING)
    made = await office.ask(SATOSHI)
    await office.publish(
        listed(SATOSHI, label="ROE"), listed(OTHER, category="mixer"), issued=SUMMER
    )
    await office.publish(listed(SATOSHI, category="mixer"), issued=SUMMER, source="a tag pack")
    await office.look_again()
    assert await office.changes(made) == []


async def test_answer_that_was_given_on_the_new_version_is_not_marked(office: ListHarness) -> None:
    await office.publish(listed(SATOSHI), issued=SPRING)
    before = await office.ask(SATOSHI)
    await office.publish(listed(OTHER), issued=SUMMER)
    between = await office.ask(SATOSHI)
    await office.look_again()
    assert await office.told(before) == [(2, False, "1", "0")]
    assert await office.changes(between) == []


async def test_answer_as_of_a_day_and_those_of_other_providers_are_not_looked_at(
    office: ListHarness, database: LentDatabase
) -> None:
    await office.publish(listed(SATOSHI), issued=SPRING)
    then = await office.ask(SATOSHI, as_of=SPRING)
    sanctions, office.ensemble = office.ensemble, ProviderEnsemble([ScriptedProvider()])
    other = await office.ask(SATOSHI)
    office.ensemble = sanctions
    await office.publish(listed(OTHER), issued=SUMMER)
    await office.look_again()
    assert await office.changes(then) == await office.changes(other) == []


async def test_version_is_looked_through_once_and_not_before_every_process_has_it(
    office: ListHarness, database: LentDatabase, clock: HandClock
) -> None:
    await office.publish(listed(SATOSHI), issued=SPRING)
    made = await office.ask(SATOSHI)
    await office.look_again()
    await import_rows(database, [listed(OTHER)], issued=SUMMER, source="OFAC SDN", now=clock.now())
    clock.advance(SETTLED_AFTER / timedelta(seconds=1) - 1)
    assert not await review_next(database, clock)
    assert await office.changes(made) == []
    clock.advance(1)
    await office.look_again()
    assert len(await office.changes(made)) == 1
    clock.advance(86_400)
    assert not await review_next(database, clock)
    assert await count(database, "list_reviews", "finished_at IS NULL") == 0


async def test_answer_that_comes_late_from_an_old_version_is_marked_too(
    office: ListHarness, database: LentDatabase, clock: HandClock
) -> None:
    await office.publish(listed(SATOSHI), issued=SPRING)
    slow = ScriptedProvider(raises=ProviderUnknown())
    office.ensemble = ProviderEnsemble([SanctionsProvider(Lists(database, clock)), slow])
    late = await office.ask(SATOSHI)
    await office.publish(listed(OTHER), issued=SUMMER)
    await office.look_again()
    assert await count(database, "list_reviews", "finished_at IS NULL") == 2

    slow.raises = None
    await finish_due(database, office.ensemble, clock)
    assert (await office.view(late)).status == "ready"
    clock.advance(RETRY_AFTER / timedelta(seconds=1))
    await office.look_again()

    assert await office.told(late) == [(2, False, "1", "0")]
    assert await count(database, "list_reviews", "finished_at IS NULL") == 0


async def test_answer_that_comes_while_a_version_is_looked_through_is_not_lost(
    committed_database: Database, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    buyer = await make_user(committed_database, clock.now(), credits_given=2)
    office = ListHarness(committed_database, clock, buyer)
    await office.publish(listed(SATOSHI), issued=SPRING)
    await office.look_again()
    slow = ScriptedProvider(raises=ProviderUnknown())
    office.ensemble = ProviderEnsemble([SanctionsProvider(Lists(committed_database, clock)), slow])
    late = await office.ask(SATOSHI)
    await office.publish(listed(OTHER), issued=SUMMER)
    slow.raises = None
    read = rescreening._answered

    async def read_too_early(*step: Any) -> Any:  # noqa: ANN401
        rows = await read(*step)
        await finish_due(committed_database, office.ensemble, clock)
        return rows

    with monkeypatch.context() as patch:
        patch.setattr(rescreening, "_answered", read_too_early)
        await office.look_again()
    assert (await office.view(late)).status == "ready"
    clock.advance(RETRY_AFTER / timedelta(seconds=1))
    await office.look_again()

    assert await office.told(late) == [(2, False, "1", "0")]


@pytest.fixture
def earlier_rules() -> Iterator[pytest.MonkeyPatch]:
    """The rules of an earlier program: each address was spelt as itself, in small letters."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (claims, importing):
            patch.setattr(module, "canonicalize", str.lower)
            patch.setattr(module, "SPELLING_RULES", SPELLING_RULES - 1)
        yield patch


async def test_row_and_answer_of_an_earlier_program_are_found_at_once_and_spelt_anew(
    office: ListHarness, database: LentDatabase, earlier_rules: pytest.MonkeyPatch
) -> None:
    await office.publish(listed(OTHER), issued=SPRING)
    made = await office.ask(XMR_INTEGRATED, "XMR")
    await office.publish(listed(XMR_STANDARD, "XMR"), issued=SUMMER)
    earlier_rules.undo()
    finder = Lists(database, office.clock)
    for day in (None, SUMMER):
        found = await finder.find(XMR_INTEGRATED, day)
        assert [one.row.address for one in found.listings] == [XMR_STANDARD]
    await office.look_again()
    for table in ("list_entries", "assessments"):
        assert await count(database, table, f"spelling_rules <> {SPELLING_RULES}") == 0
        assert await count(database, table, f"spelling = lower('{XMR_STANDARD}')") == 0
    found = await finder.find(XMR_INTEGRATED, SUMMER)
    assert [one.row.address for one in found.listings] == [XMR_STANDARD]
    assert len(await office.changes(made)) == 1


async def test_row_of_a_later_program_is_found_and_left_to_it(
    office: ListHarness, database: LentDatabase
) -> None:
    await office.publish(listed(OTHER), issued=SPRING)
    made = await office.ask(EVM, "ETH")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importing, "canonicalize", lambda address: f"later {address}")
        patch.setattr(importing, "SPELLING_RULES", SPELLING_RULES + 1)
        await office.publish(listed(EVM, "ETH"), issued=SUMMER)
    found = await Lists(database, office.clock).find(EVM.lower(), SUMMER)
    assert [one.row.address for one in found.listings] == [EVM]
    await office.look_again()
    assert await count(database, "list_entries", "spelling LIKE 'later %'") == 1
    assert await office.changes(made) == []


async def test_version_is_looked_through_from_its_start_once_rows_are_spelt_anew(
    office: ListHarness, database: LentDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows move in the order of the spellings, to before where a look had come."""
    monkeypatch.setattr(rescreening, "STEP", 1)
    made = [await office.ask(address) for address in (SATOSHI, OTHER)]
    first, last = sorted((SATOSHI, OTHER))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importing, "canonicalize", lambda one: "~" if one == first else one)
        await office.publish(listed(SATOSHI), listed(OTHER), issued=SUMMER)
    await review_next(database, office.clock)
    async with database.sessions() as session, session.begin():
        assert await session.scalar(text("SELECT after_spelling FROM list_reviews")) == last
        await session.execute(text("ALTER TABLE list_entries DISABLE TRIGGER keep_entry"))
        await session.execute(text("UPDATE list_entries SET spelling_rules = 0"))
        await session.execute(text("ALTER TABLE list_entries ENABLE ALWAYS TRIGGER keep_entry"))
    await office.look_again()
    assert [len(await office.changes(one)) for one in made] == [1, 1]


async def test_steps_are_small_and_together_leave_nothing_out(
    office: ListHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rescreening, "STEP", 2)
    await office.publish(listed(SATOSHI), listed(OTHER), listed(EVM, "ETH"), issued=SPRING)
    made = [
        await office.ask(address, currency)
        for address, currency in [(SATOSHI, "BTC"), (OTHER, "BTC"), (EVM, "ETH")] * 3
    ]
    await office.publish(listed("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"), issued=SUMMER)
    await office.look_again()
    for assessment_id in made:
        assert await office.told(assessment_id) == [(2, False, "1", "0")]


async def test_workers_that_look_at_once_mark_once(
    committed_database: Database, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rescreening, "STEP", 2)
    buyer = await make_user(committed_database, clock.now(), credits_given=20)
    office = ListHarness(committed_database, clock, buyer)
    await office.publish(listed(SATOSHI), listed(OTHER), issued=SPRING)
    made = [await office.ask(address) for address in (SATOSHI, OTHER) * 4]
    await office.publish(listed(EVM, "ETH"), issued=SUMMER)

    await asyncio.gather(*(office.look_again() for _ in range(4)))
    await office.look_again()

    assert await count(committed_database, "assessment_changes") == len(made)
    for assessment_id in made:
        assert await office.told(assessment_id) == [(2, False, "1", "0")]


async def test_step_that_dies_is_done_again(
    committed_database: Database, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    buyer = await make_user(committed_database, clock.now(), credits_given=2)
    office = ListHarness(committed_database, clock, buyer)
    await office.publish(listed(SATOSHI), issued=SPRING)
    made = await office.ask(SATOSHI)
    await office.publish(listed(OTHER), issued=SUMMER)
    with monkeypatch.context() as patch:
        patch.setattr(rescreening, "log", None)  # it is told after the marks were written
        for _ in range(3):
            with pytest.raises(AttributeError):
                await office.look_again()
    assert await count(committed_database, "assessment_changes") == 0
    await office.look_again()
    assert await office.told(made) == [(2, False, "1", "0")]


def test_opinion_of_sanctions_among_others_is_what_changed() -> None:
    opinion = {"provider": "sanctions", "risk_score": "0.5", "grade": "high"}
    answer = {"opinions": [{"provider": "crystal"}, opinion], "risk_score": "1", "grade": "severe"}
    assert answer_changes._answer_of(answer, "sanctions") == (Decimal("0.5"), "high")
