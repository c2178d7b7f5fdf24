"""`check_assessment_list_for_access_code`, and the list of one's own assessments."""

from typing import Any

from tests.api import problems
from tests.api.asking import ask, ask_raw, execute, look, refusal
from tests.api.assessing import (
    ABSENT,
    CREATE,
    CREATE_OWN,
    LIST,
    QUESTION,
    create,
    listed,
    paid_by,
)
from tests.api.conftest import ApiFixture
from tests.support.application import Application
from tests.support.cases import each_case
from tests.support.people import Person, give_credits


async def test_found_assessments_come_once_in_the_order_first_named(
    application: Application, api: ApiFixture
) -> None:
    made = [await create(application, api.code) for _ in range(3)]
    first, second, third = made
    await give_credits(
        application.database, api.foreign_code.account_id, 1, application.clock.now()
    )
    foreign = await create(application, api.foreign_code)

    found = await listed(
        application, api.code, third, ABSENT, first, foreign, third, "", "nonsense", second, first
    )

    assert [assessment["assessment_id"] for assessment in found] == [third, first, second]


async def test_an_assessment_in_the_list_has_all_its_fields(
    application: Application, api: ApiFixture
) -> None:
    made = (await ask(application, CREATE, paid_by(api.code), api.code)).json()
    for told_once in ("credits_available", "charged", "age_seconds"):
        del made[told_once]

    by_code = await listed(application, api.code, made["assessment_id"])
    body = {"access_code": api.code.access_code, "assessment_id_list": [made["assessment_id"]]}
    by_issuer = await ask(application, LIST, body, api.user)

    assert by_code == by_issuer.json() == [made]


async def test_no_assessment_found_is_404(application: Application, api: ApiFixture) -> None:
    own = (await ask(application, CREATE_OWN, {**QUESTION, "fresh": True}, api.user)).json()[
        "assessment_id"
    ]
    body = {"access_code": api.code.access_code, "assessment_id_list": [ABSENT, own]}

    answer = await ask(application, LIST, body, api.user)

    assert refusal(answer) == problems.NO_ASSESSMENTS_FOUND


@each_case("name", ["access_code", "assessment_id_list"])
@each_case("nothing", ["absent", "null", "empty string", "empty list"])
async def test_a_list_needs_a_code_and_ids(
    application: Application, code: Person, name: str, nothing: str
) -> None:
    body: dict[str, Any] = {"access_code": code.access_code, "assessment_id_list": [ABSENT]}
    del body[name]
    if nothing != "absent":
        body[name] = {"null": None, "empty string": "", "empty list": []}[nothing]

    assert refusal(await ask(application, LIST, body, code)) == problems.missing(name)


@each_case(
    ("value", "expected"),
    [
        ("asm_1", "a list"),
        (0, "a list"),
        (False, "a list"),
        ({"a": 1}, "a list"),
        ([0], "a list of strings"),
        ([ABSENT, None], "a list of strings"),
        ([[ABSENT]], "a list of strings"),
        ([ABSENT] * 1001, "a list of at most 1000 strings"),
    ],
)
async def test_what_is_not_a_list_of_strings_is_400(
    application: Application, code: Person, value: object, expected: str
) -> None:
    body = {"access_code": code.access_code, "assessment_id_list": value}

    answer = await ask(application, LIST, body, code)

    assert refusal(answer) == problems.must_be("assessment_id_list", expected)


async def test_the_code_is_judged_before_the_list_and_the_list_before_what_the_code_refers_to(
    application: Application, code: Person
) -> None:
    neither = await ask(application, LIST, {"assessment_id_list": 7}, code)
    absent = await ask(application, LIST, {"access_code": "0" * 16, "assessment_id_list": 7}, code)

    assert refusal(neither) == problems.missing("access_code")
    assert refusal(absent) == problems.must_be("assessment_id_list", "a list")


async def test_a_thousand_ids_are_looked_up_at_once(application: Application, code: Person) -> None:
    made = await create(application, code)
    ids = [f"asm_{number:025}" for number in range(999)]

    assert [found["assessment_id"] for found in await listed(application, code, *ids, made)] == [
        made
    ]


async def test_a_list_may_have_256_kib_and_no_more(application: Application, code: Person) -> None:
    body = b'{"access_code": "0000000000000000", "assessment_id_list": ["a"]}'

    fits = await ask_raw(application, LIST, body.ljust(256 * 1024), code)
    exceeds = await ask_raw(application, LIST, body.ljust(256 * 1024 + 1), code)

    assert refusal(fits) == problems.ACCESS_CODE_NOT_FOUND
    assert refusal(exceeds) == problems.LIST_TOO_LARGE


async def test_a_list_that_cannot_be_read_tells_the_time(
    application: Application, code: Person
) -> None:
    await execute(application, "ALTER TABLE assessments RENAME TO elsewhere")
    body = {"access_code": code.access_code, "assessment_id_list": [ABSENT]}

    answer = await ask(application, LIST, body, code)

    assert refusal(answer) == problems.LIST_FAULT


async def test_own_assessments_are_listed_newest_first(
    application: Application, api: ApiFixture
) -> None:
    made = []
    for _ in range(3):
        application.clock.advance(1)
        made.append(await create(application, api.code))
    own = (await ask(application, CREATE_OWN, {**QUESTION, "fresh": True}, api.user)).json()[
        "assessment_id"
    ]

    of_code = (await look(application, "assessments", api.code)).json()
    of_user = (await look(application, "assessments", api.user)).json()

    assert [item["assessment_id"] for item in of_code["items"]] == made[::-1]
    assert [item["assessment_id"] for item in of_user["items"]] == [own]
    assert of_code["items"] == await listed(application, api.code, *made[::-1])
