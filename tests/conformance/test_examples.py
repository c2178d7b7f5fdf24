"""The examples of the document are what the service itself answered on a journey, and answers still."""

import json
from typing import Any, Final

import jsonschema_rs

from app.main import create_app
from app.settings import Settings
from tests.support.cases import all_cases
from tests.support.example_journey import EXAMPLES, journey, write

DOCUMENT: Final[dict[str, Any]] = create_app(Settings()).openapi()
OPERATIONS: Final[dict[str, dict[str, Any]]] = {
    operation["operationId"]: operation
    for methods in DOCUMENT["paths"].values()
    for operation in methods.values()
}
# What has no JSON that is shown: files, pages, streams, empty answers; and signs of life, which tell
# of the moment.
WITHOUT: Final = {
    *("exportOrders", "exportAssessments", "exportLedger", "getReceipt", "getReport"),
    *("followEvents", "metrics", "logout", "getPublicKeys", "healthz", "readyz"),
}


async def test_the_journey_brings_the_examples_again(database_url: str) -> None:
    made = await journey(database_url)

    assert write(made) == EXAMPLES.read_text(encoding="utf-8"), (
        "the service answers otherwise: python -m tests.support.example_journey"
    )


def test_every_operation_that_answers_json_has_an_example_of_its_own() -> None:
    examples = json.loads(EXAMPLES.read_text(encoding="utf-8"))

    assert examples.keys() == OPERATIONS.keys() - WITHOUT


def test_each_example_is_allowed_by_its_schema_and_nothing_is_left_out() -> None:
    components = {"components": DOCUMENT["components"]}
    with all_cases() as cases:
        for name, operation in OPERATIONS.items():
            bodies = {"request": operation.get("requestBody", {}), **operation["responses"]}
            for place, body in bodies.items():
                content = body.get("content", {}).get("application/json", {})
                if "example" not in content:
                    continue
                with cases.case(name, place):
                    schema = content["schema"] | components
                    jsonschema_rs.validate(schema, content["example"])
                    if place != "request" and "$ref" in content["schema"]:
                        shape = content["schema"]["$ref"].rpartition("/")[2]
                        fields = DOCUMENT["components"]["schemas"][shape]["properties"]
                        assert content["example"].keys() == fields.keys()
