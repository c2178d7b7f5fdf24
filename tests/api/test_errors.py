"""The catalogue of errors: each has a code of its own, a docstring, and a test that provokes it."""

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from app.assessments.errors import AssessmentListFault
from app.ledger.actors import OPERATOR, Actor
from app.orders import operator
from app.orders.errors import OrderNotSettled
from app.runtime.errors import AppError
from tests.api import problems
from tests.api.asking import Problem, ask
from tests.support.application import Application
from tests.support.cases import each_case
from tests.support.orders import TERMS
from tests.support.people import Person

TESTS: Final = Path(__file__).parents[1]
ERRORS: Final = tuple(
    sorted(
        (error for error in AppError.__subclasses__() if error.__module__.startswith("app.")),
        key=lambda error: error.__name__,
    )
)
# What no request can provoke: where it is provoked instead.
ELSEWHERE: Final = {
    # A body that takes 10 seconds; what never becomes a request; a settlement by an operator, at the
    # command line.
    "body_timeout": ("web/test_request_body.py", "The body must arrive within"),
    "head_timeout": ("web/test_connections.py", "head_timeout"),
    "head_too_large": ("web/test_connections.py", "head_too_large"),
    "malformed_request": ("web/test_connections.py", "malformed_request"),
    "order_not_settled": ("api/test_errors.py", "OrderNotSettled"),
}


def catalogued() -> dict[str, list[str]]:
    """Return the names in `problems.py` by the code of the error that they stand for."""
    found: dict[str, list[str]] = {}
    for name, value in vars(problems).items():
        if isinstance(value, Problem):
            found.setdefault(value.code, []).append(name)
    for make in (problems.missing, problems.malformed, problems.not_allowed):
        found.setdefault(make("x").code, []).append(make.__name__)
    for of_scope in (problems.missing_scope, problems.read_only_key):
        found.setdefault(of_scope("x").code, []).append(of_scope.__name__)
    found.setdefault(problems.unknown_query().code, []).append("unknown_query")
    found.setdefault(problems.reference_taken("x").code, []).append("reference_taken")
    found.setdefault(problems.too_many_open_orders(1).code, []).append("too_many_open_orders")
    found[problems.must_be("x", "y").code] = ["must_be"]
    return found


@cache
def used_names() -> set[str]:
    """Return what the tests of this folder take from `problems`."""
    return {name for path in sorted((TESTS / "api").glob("test_*.py")) for name in _taken(path)}


def _taken(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "problems":
            yield node.attr


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [error.code for error in ERRORS]

    assert len(set(codes)) == len(codes)
    assert all(code and code.isascii() for code in codes)


@each_case("error", ERRORS)
def test_every_error_says_what_it_means_and_is_an_error(error: type[AppError]) -> None:
    assert error.__doc__
    assert "__doc__" in vars(error)
    assert error.status in {400, 402, 403, 404, 405, 408, 409, 413, 415, 422, 429, 431, 500, 503}
    assert error.member == ("error" if error.code == "order_fault" else "detail")


@each_case("error", ERRORS)
def test_every_error_is_provoked_by_a_test(error: type[AppError]) -> None:
    if error.code in ELSEWHERE:
        file, words = ELSEWHERE[error.code]
        assert words in (TESTS / file).read_text(encoding="utf-8")
        return
    names = catalogued().get(error.code)
    assert names, f"{error.__name__} is not in tests/api/problems.py"
    assert set(names) & used_names(), f"no test of the API provokes {error.__name__}"


def test_every_problem_is_used() -> None:
    names = {name for group in catalogued().values() for name in group}

    assert names <= used_names()


def test_every_status_of_the_catalogue_is_typed_as_it_is() -> None:
    statuses = {error.code: error.status for error in ERRORS}

    for name, value in vars(problems).items():
        if isinstance(value, Problem):
            assert statuses[value.code] == value.status, name


async def test_an_order_that_waits_for_aeonto_is_not_settled_by_a_grant(
    application: Application, user: Person
) -> None:
    order = {
        "number_of_credits": 10,
        "payment_coin": "Aeon",
        "payment_network": "AEON",
        "order_is_for_self": True,
    }
    made = await ask(application, "new_order", order, user)

    async with application.database.sessions() as session:
        with pytest.raises(OrderNotSettled) as refused:
            await operator.resolve(
                session,
                made.json()["order_id"],
                grant=True,
                reason="a test",
                actor=Actor(OPERATOR, "test"),
                valuation=TERMS.valuation(),
                now=application.clock.now(),
            )

    assert (refused.value.status, refused.value.code) == (409, "order_not_settled")
    assert refused.value.detail == "An order that is TO_BE_CREATED cannot be settled that way"


def test_the_time_of_ky53d_is_utc() -> None:
    east = datetime.fromisoformat("2026-01-11T14:46:03+02:00")

    assert AssessmentListFault(east).detail == problems.LIST_FAULT.text
    assert AssessmentListFault(east.astimezone(UTC)).detail == problems.LIST_FAULT.text
