"""A question as the tests of the API ask it, and what is said of its parameters."""

from typing import Any, Final

from dirty_equals import IsStr

from tests.api import problems
from tests.api.asking import ask
from tests.support.application import Application
from tests.support.people import Person

CREATE: Final = "create_new_assessment_for_access_code"
CREATE_OWN: Final = "create_new_assessment"
LIST: Final = "check_assessment_list_for_access_code"
ADDRESS: Final = "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM"
QUESTION: Final = {"assessment_type": "address", "address": ADDRESS, "currency": "BTC"}
TRANSACTION: Final = {
    **QUESTION,
    "assessment_type": "transaction",
    "tx_hash": "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b",
}
ID: Final = IsStr(regex=r"asm_[0-9A-Za-z]{25}")
ABSENT: Final = "asm_0000000000000000000000000"
LONG: Final = "a string of at most 256 characters without control characters"
LONG_WORD: Final = "a string of at most 256 visible ASCII characters"
SHORT_WORD: Final = "a string of at most 64 visible ASCII characters"
DAY: Final = "a day from 2009-01-03 to today in UTC, as in 2025-01-31"
TYPE: Final = problems.must_be("assessment_type", "one of: address, transaction")


def paid_by(code: Person, question: dict[str, str] = QUESTION) -> dict[str, Any]:
    """Return a question that an access code pays for."""
    return {"access_code": code.access_code, **question}


async def create(application: Application, code: Person) -> str:
    """Create a new assessment; return its id."""
    answer = await ask(application, CREATE, {**paid_by(code), "fresh": True}, code)
    assert answer.status_code == 201
    assessment_id: str = answer.json()["assessment_id"]
    return assessment_id


async def listed(application: Application, code: Person, *ids: str) -> list[dict[str, Any]]:
    """Return what the list endpoint finds of these ids."""
    body = {"access_code": code.access_code, "assessment_id_list": ids}
    answer = await ask(application, LIST, body, code)
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()
    return found
