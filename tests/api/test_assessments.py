"""Creating assessments, paid by an access code or by the caller."""

from typing import Any, Final

import pytest

from app.assessments.providers.base import FailureReason, ProviderFailed, ProviderUnknown
from tests.api import problems
from tests.api.asking import (
    Problem,
    ask,
    ask_raw,
    balance_of,
    entries_of,
    execute,
    read,
    refusal,
)
from tests.api.assessing import (
    ADDRESS,
    CREATE,
    CREATE_OWN,
    DAY,
    ID,
    LONG,
    LONG_WORD,
    QUESTION,
    SHORT_WORD,
    TRANSACTION,
    TYPE,
    listed,
    paid_by,
)
from tests.api.conftest import ApiFixture
from tests.support.application import Application
from tests.support.cases import each_case
from tests.support.people import Person

FORM = "a well-formed address of the currency"
MAIN_NETWORK = "an address of the currency's main network (it is one of a test network)"
CURRENCIES = (
    "one of: AAVE, ADA, AEON, ALGO, ARB, ATOM, BCH, BNB, BSC, BTC, DAI, DASH, DOGE, DOT, ETC, ETH,"
    " LINK, LTC, MATIC, POL, SHIB, SOL, TON, TRX, UNI, USDC, USDT, WBTC, WETH, XBT, XLM, XMR, XRP,"
    " XTZ, ZEC"
)


async def test_a_new_assessment_is_answered_with_201_and_all_its_fields(
    application: Application, code: Person
) -> None:
    answer = await ask(application, CREATE, paid_by(code), code)

    assert answer.status_code == 201
    assert answer.json() == {
        "assessment_id": ID,
        "status": "ready",
        "created_at": "2026-01-11T12:46:03Z",
        "updated_at": "2026-01-11T12:46:03Z",
        "assessment_type": "address",
        "address": ADDRESS,
        "currency": "BTC",
        "tx_hash": None,
        "as_of": None,
        "provider": "scripted",
        "summary": "Scripted says not on the lists; form not checked",
        "answer": {
            "risk_score": "0",
            "grade": "not on the lists",
            "address_form": "not_checked",
            "evidence": [
                {
                    "category": "scope",
                    "source": "a test",
                    "detail": "nothing was screened",
                    "source_date": None,
                    "share": "0",
                    "weight": "0",
                    "contribution": "0",
                    "listing": None,
                    "hops": None,
                }
            ],
            "sources": [
                {
                    "name": "a test",
                    "issued": None,
                    "sha256": "0" * 64,
                    "entries": 1,
                    "version": None,
                    "is_sanctions": True,
                }
            ],
            "provider_reference": None,
            "vendor": None,
            "opinions": [],
            "disagreement": False,
            "looked_up": ADDRESS,
            "ruleset": "2026-11-28",
            "summary": "Scripted says not on the lists; form not checked",
        },
        "failure_reason": None,
        "client_reference": None,
        "metadata": {},
        "changes": [],
        "charged": True,
        "age_seconds": 0,
        "credits_available": 4,
    }


async def test_the_same_question_again_is_answered_for_nothing_and_says_so(
    application: Application, api: ApiFixture
) -> None:
    first = (await ask(application, CREATE, paid_by(api.code), api.code)).json()
    application.clock.advance(90)

    again = await ask(application, CREATE, paid_by(api.code), api.user)

    assert again.status_code == 201
    assert again.json() == {**first, "charged": False, "age_seconds": 90}
    assert await balance_of(application, api.code) == 4


async def test_a_fresh_question_is_paid_and_answered_anew(
    application: Application, api: ApiFixture
) -> None:
    first = (await ask(application, CREATE, paid_by(api.code), api.code)).json()

    fresh = await ask(application, CREATE, {**paid_by(api.code), "fresh": True}, api.code)

    assert fresh.status_code == 201
    assert fresh.json()["charged"] is True
    assert fresh.json()["assessment_id"] != first["assessment_id"]
    assert await balance_of(application, api.code) == 3


@pytest.mark.parametrize("caller", ["user", "code"])
async def test_the_named_code_is_debited_whoever_calls(
    application: Application, api: ApiFixture, caller: str
) -> None:
    answer = await ask(application, CREATE, paid_by(api.code), getattr(api, caller))

    assert answer.status_code == 201
    assert answer.json()["credits_available"] == 4
    assert await balance_of(application, api.code) == 4
    assert await balance_of(application, api.user) == 20
    assert (await entries_of(application, api.code))[-1] == ("assessment", -1)


@pytest.mark.parametrize(("caller", "left"), [("user", 19), ("code", 4)])
async def test_without_an_access_code_the_caller_itself_is_debited(
    application: Application, api: ApiFixture, caller: str, left: int
) -> None:
    by: Person = getattr(api, caller)
    body = {**QUESTION, "access_code": api.foreign_code.access_code}  # unknown here: ignored

    answer = await ask(application, CREATE_OWN, body, by)

    assert answer.status_code == 201
    assert answer.json()["credits_available"] == left
    assert (await entries_of(application, by))[-1] == ("assessment", -1)


@pytest.mark.parametrize("tx_hash", ["nonsense", 7, {}, "A" * 5000, "\u0430", "a b"])
async def test_a_transaction_is_ignored_when_an_address_is_assessed(
    application: Application, code: Person, tx_hash: object
) -> None:
    answer = await ask(application, CREATE, {**paid_by(code), "tx_hash": tx_hash}, code)

    assert answer.status_code == 201
    assert answer.json()["tx_hash"] is None
    assert application.provider.asked[0].tx_hash is None


async def test_a_transaction_is_assessed_by_its_hash(
    application: Application, code: Person
) -> None:
    answer = await ask(application, CREATE, paid_by(code, TRANSACTION), code)

    assert answer.status_code == 201
    assert answer.json()["assessment_type"] == "transaction"
    assert answer.json()["tx_hash"] == TRANSACTION["tx_hash"]
    assert application.provider.asked[0].tx_hash == TRANSACTION["tx_hash"]


@each_case("name", ["access_code", "assessment_type", "address", "currency", "tx_hash"])
@each_case("nothing", ["absent", "null", "empty string", "empty list"])
async def test_a_parameter_is_missing_when_absent_null_or_empty(
    application: Application, code: Person, name: str, nothing: str
) -> None:
    body = paid_by(code, TRANSACTION)
    del body[name]
    if nothing != "absent":
        body[name] = {"null": None, "empty string": "", "empty list": []}[nothing]

    assert refusal(await ask(application, CREATE, body, code)) == problems.missing(name)
    if name != "access_code":
        assert refusal(await ask(application, CREATE_OWN, body, code)) == problems.missing(name)


@each_case(
    ("name", "value", "expected"),
    [
        ("access_code", 0, problems.must_be("access_code", LONG)),
        ("assessment_type", 0, TYPE),
        ("assessment_type", False, TYPE),
        ("assessment_type", "Address", TYPE),
        ("assessment_type", "wallet", TYPE),
        ("assessment_type", ["address"], TYPE),
        ("address", 0, problems.must_be("address", LONG_WORD)),
        ("address", "A" * 257, problems.must_be("address", LONG_WORD)),
        ("address", ADDRESS + "\n", problems.must_be("address", LONG_WORD)),
        (
            "address",
            ADDRESS[:-1] + "N",
            problems.must_be("address", f"{FORM} (its base58 checksum is wrong)"),
        ),
        ("currency", False, problems.must_be("currency", SHORT_WORD)),
        ("currency", "B" * 65, problems.must_be("currency", SHORT_WORD)),
        ("tx_hash", 0, problems.must_be("tx_hash", LONG_WORD)),
        ("tx_hash", "f" * 257, problems.must_be("tx_hash", LONG_WORD)),
        *(
            ("as_of", day, problems.must_be("as_of", DAY))
            for day in (
                *(20250131, True, "2025-1-31", "20250131", "2025-02-30", "2009-01-02"),
                *("2026-01-12", "2025-01-31T00:00:00Z", "9999-12-31"),
            )
        ),
    ],
)
async def test_a_value_of_the_wrong_type_or_range_names_its_parameter(
    application: Application, code: Person, name: str, value: object, expected: Problem
) -> None:
    body = {**paid_by(code, TRANSACTION), name: value}

    assert refusal(await ask(application, CREATE, body, code)) == expected
    assert await balance_of(application, code) == 5
    assert application.provider.asked == []


@pytest.mark.parametrize(
    ("currency", "address", "expected"),
    [
        (
            "BTC",
            "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
            problems.must_be("address", f"{FORM} (it is one of TRX, USDC, USDT)"),
        ),
        (
            "LTC",
            ADDRESS,
            problems.must_be("address", f"{FORM} (it is one of BCH, BTC, USDT, XBT)"),
        ),
        (
            "BTC",
            "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn",
            problems.must_be("address", MAIN_NETWORK),
        ),
        ("XYZ", ADDRESS, problems.must_be("currency", CURRENCIES)),
    ],
    ids=["another_coin", "another_network", "test_network", "unsupported_asset"],
)
async def test_what_nobody_can_assess_is_refused_before_any_debit_with_what_is_supported(
    application: Application, code: Person, currency: str, address: str, expected: Problem
) -> None:
    body = {**paid_by(code), "currency": currency, "address": address}

    assert refusal(await ask(application, CREATE, body, code)) == expected
    assert await balance_of(application, code) == 5
    assert application.provider.asked == []


async def test_a_currency_that_the_provider_does_not_answer_for_is_refused_with_those_that_it_does(
    application: Application, code: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def supports(_assessment_type: str, currency: str, _as_of: object) -> bool:
        return currency in {"BTC", "ETH"}

    monkeypatch.setattr(application.provider, "supports", supports)
    body = {**paid_by(code), "currency": "XBT"}

    refused = refusal(await ask(application, CREATE, body, code))

    assert refused == problems.must_be("currency", "one of: BTC, ETH")
    assert await balance_of(application, code) == 5


async def test_faults_are_told_in_the_order_of_the_table(
    application: Application, code: Person
) -> None:
    right = paid_by(code, TRANSACTION)
    body: dict[str, Any] = {}
    told = []
    for position, name in enumerate(right):
        wrong = {**body, **dict.fromkeys(list(right)[position:], 7)}
        told.append(refusal(await ask(application, CREATE, body, code)).text)
        told.append(refusal(await ask(application, CREATE, wrong, code)).text)
        body[name] = right[name]

    assert told == [
        "Missing access_code parameter",
        f"access_code must be {LONG}",
        "Missing assessment_type parameter",
        "assessment_type must be one of: address, transaction",
        "Missing address parameter",
        f"address must be {LONG_WORD}",
        "Missing currency parameter",
        f"currency must be {SHORT_WORD}",
        "Missing tx_hash parameter",
        f"tx_hash must be {LONG_WORD}",
    ]


HOSTILE: Final = (
    r"B\u0000TC",
    r"\ud800",
    "\uff22\uff34\uff23",  # full width
    "\u0412\u0422\u0421",  # Cyrillic
    "B\u200bTC",
    "B\u0301TC",
    "\u202eBTC",
    "' OR 1=1--",
    r"BTC\r\n",
    "B" * 10_000,
)


@pytest.mark.parametrize(
    "name", ["access_code", "assessment_type", "address", "currency", "tx_hash"]
)
async def test_a_hostile_string_is_one_400_and_costs_nothing(
    application: Application, code: Person, name: str
) -> None:
    question = paid_by(code, TRANSACTION)
    for value in HOSTILE:
        members = (f'"{key}": "{known}"' for key, known in {**question, name: value}.items())
        raw = f"{{{', '.join(members)}}}".encode()
        assert refusal(await ask_raw(application, CREATE, raw, code)).status == 400, value
    assert await balance_of(application, code) == 5


async def test_an_empty_balance_is_402_and_the_provider_is_not_asked(
    application: Application, api: ApiFixture
) -> None:
    of_code = await ask(application, CREATE, paid_by(api.foreign_code), api.foreign_code)
    of_user = await ask(application, CREATE_OWN, QUESTION, api.stranger)

    assert refusal(of_code) == refusal(of_user) == problems.INSUFFICIENT_CREDITS
    assert application.provider.asked == []
    assert await read(application, "SELECT count(*) FROM assessments") == [(0,)]


async def test_what_a_code_refers_to_is_judged_before_its_balance(
    application: Application, api: ApiFixture
) -> None:
    answer = await ask(application, CREATE, paid_by(api.foreign_code), api.user)

    assert refusal(answer) == problems.ACCESS_CODE_NOT_FOUND


@pytest.mark.parametrize(
    "outcome",
    [ProviderUnknown(), TimeoutError(), RuntimeError("nobody foresaw this")],
    ids=["unknown", "slow", "unforeseen"],
)
async def test_a_provider_whose_outcome_is_unknown_leaves_the_assessment_pending_and_paid(
    application: Application, code: Person, outcome: Exception
) -> None:
    application.provider.raises = outcome

    answer = await ask(application, CREATE, paid_by(code), code)

    assert answer.status_code == 201
    assert (answer.json()["status"], answer.json()["answer"]) == ("pending", None)
    assert answer.json()["credits_available"] == 4
    assert (await entries_of(application, code))[-1] == ("assessment", -1)
    [shown] = await listed(application, code, answer.json()["assessment_id"])
    assert shown["status"] == "pending"


@pytest.mark.parametrize("path", [CREATE, CREATE_OWN])
async def test_a_provider_that_failed_is_500_the_credit_comes_back_and_the_row_stays(
    application: Application, code: Person, path: str
) -> None:
    application.provider.raises = ProviderFailed(FailureReason.REFUSED)

    answer = await ask(application, path, paid_by(code), code)

    assert refusal(answer) == problems.ASSESSMENT_REFUSED
    assert (await entries_of(application, code))[-2:] == [("assessment", -1), ("refund", 1)]
    assert await balance_of(application, code) == 5
    [(assessment_id,)] = await read(application, "SELECT id FROM assessments")
    [shown] = await listed(application, code, assessment_id)
    assert shown["status"] == "failed"
    assert shown["failure_reason"] == "the risk provider refused the question"
    assert shown["answer"] is None


@pytest.mark.parametrize("path", [CREATE, CREATE_OWN])
async def test_any_other_fault_says_no_more_than_the_catalogue_and_debits_nothing(
    application: Application, code: Person, path: str
) -> None:
    await execute(application, "ALTER TABLE assessments ADD CHECK (false) NOT VALID")

    answer = await ask(application, path, paid_by(code), code)

    assert refusal(answer) == problems.ASSESSMENT_FAULT
    assert await balance_of(application, code) == 5
