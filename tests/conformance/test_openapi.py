"""The OpenAPI document is the contract: committed, valid, and of one habit throughout."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from openapi_spec_validator import validate
from typer.testing import CliRunner

from app.cli import main as assay
from app.main import create_app
from app.runtime.errors import AppError
from app.settings import Settings
from tests.support.cases import each_case

_COMMITTED: Final = Path(__file__).parents[2] / "docs" / "openapi.json"
_DOCUMENT: Final[dict[str, Any]] = create_app(Settings()).openapi()
_OPERATIONS: Final[dict[str, dict[str, Any]]] = {
    f"{method.upper()} {path}": operation
    for path, methods in _DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
_SCHEMAS: Final[dict[str, dict[str, Any]]] = _DOCUMENT["components"]["schemas"]
_EITHER: Final[list[dict[str, list[str]]]] = [{"ApiKeyHeader": []}, {"SessionBearer": []}]
# Whoever has no credentials needs these: to get some, to watch whether the service lives, or to
# check a receipt.
_PUBLIC: Final = {"register", "login", "healthz", "readyz", "metrics", "getPublicKeys"}
# Where no Idempotency-Key is taken: what only reads, and what opens or ends a session.
_KEYLESS: Final = {
    "POST /api/check_order_status",
    "POST /api/check_access_code_status",
    "POST /api/check_assessment_list_for_access_code",
    "POST /api/check_price",
    "POST /api/login",
    "POST /api/logout",
}
# Everywhere else; nothing else is ever answered with 422.
# Headers beside those of credentials, of operations that take no key.
_OTHER_HEADERS: Final = {"GET /api/events/stream": ["Last-Event-ID"]}
_KEYED: Final = {name for name in _OPERATIONS if name.startswith("POST ")} - _KEYLESS
_PROBLEM: Final = "#/components/schemas/Problem"


def test_the_committed_document_is_what_the_program_prints() -> None:
    printed = CliRunner().invoke(assay, ["openapi"])

    assert printed.exit_code == 0
    assert _COMMITTED.read_text(encoding="utf-8") == printed.stdout


def test_the_document_is_valid_openapi() -> None:
    validate(json.loads(_COMMITTED.read_text(encoding="utf-8")))


def test_the_document_introduces_itself() -> None:
    assert _DOCUMENT["openapi"].startswith("3.1")
    assert {"title", "summary", "description", "contact", "license"} <= _DOCUMENT["info"].keys()
    assert _DOCUMENT["info"]["license"]["identifier"] == "Apache-2.0"
    assert _DOCUMENT["servers"]


def test_operation_ids_are_unique_and_in_camel_case() -> None:
    operation_ids = [operation["operationId"] for operation in _OPERATIONS.values()]

    assert len(set(operation_ids)) == len(operation_ids)
    assert [each for each in operation_ids if not re.fullmatch(r"[a-z]+([A-Z][a-z]*)*", each)] == []


def test_every_tag_is_described_and_used() -> None:
    described = {tag["name"] for tag in _DOCUMENT["tags"] if tag["description"]}

    assert described == {operation["tags"][0] for operation in _OPERATIONS.values()}


@each_case("name", _OPERATIONS)
def test_an_operation_is_described(name: str) -> None:
    operation = _OPERATIONS[name]

    assert len(operation["tags"]) == 1
    assert operation["summary"]
    assert operation["description"]
    for response in operation["responses"].values():
        assert response["description"]
        assert response["headers"]["X-Request-ID"]
    for parameter in operation.get("parameters", []):
        assert parameter["description"]
        assert parameter["schema"]["examples"]


@each_case("name", _OPERATIONS)
def test_an_operation_says_who_may_call_it(name: str) -> None:
    operation = _OPERATIONS[name]

    assert operation["security"] == ([] if operation["operationId"] in _PUBLIC else _EITHER)
    assert (operation["operationId"] in _PUBLIC) or "403" in operation["responses"]


@each_case("name", _OPERATIONS)
def test_an_operation_documents_its_errors_as_problems(name: str) -> None:
    responses = _OPERATIONS[name]["responses"]
    errors = {status: body for status, body in responses.items() if int(status) >= 400}

    assert errors
    assert ("422" in errors) == (name in _KEYED)
    for status, error in errors.items():
        references = set(_references(error["content"]["application/json"]["schema"]))
        assert _PROBLEM in references or (name, status) == ("GET /readyz", "503")
        assert status not in ("429", "503") or "Retry-After" in error["headers"] or "readyz" in name


@each_case("name", _OPERATIONS)
def test_an_operation_at_which_one_may_guess_documents_the_throttle(name: str) -> None:
    responses = _OPERATIONS[name]["responses"]

    assert ("429" in responses) == name.partition(" ")[2].startswith("/api/")
    if "429" in responses:
        headers = responses["429"]["headers"].keys()
        assert {"Retry-After", "RateLimit", "RateLimit-Policy", "X-Request-ID"} == headers


@each_case("name", _OPERATIONS)
def test_an_operation_that_takes_a_key_says_so_and_what_may_come_of_it(name: str) -> None:
    operation = _OPERATIONS[name]
    headers = [each["name"] for each in operation.get("parameters", []) if each["in"] == "header"]

    assert headers == (["Idempotency-Key"] if name in _KEYED else _OTHER_HEADERS.get(name, []))
    if name in _KEYED:
        [done] = [status for status in operation["responses"] if status.startswith("2")]
        assert "Idempotency-Replayed" in operation["responses"][done]["headers"]
        assert "Retry-After" in operation["responses"]["409"]["headers"]


@each_case("name", _OPERATIONS)
def test_an_operation_with_a_body_documents_the_refusals_of_bodies(name: str) -> None:
    operation = _OPERATIONS[name]

    if "requestBody" in operation:
        assert {"400", "408", "413", "415"} <= operation["responses"].keys()
        assert operation["requestBody"]["content"].keys() == {"application/json"}


@each_case("name", sorted(_SCHEMAS))
def test_a_schema_describes_itself_and_shows_examples(name: str) -> None:
    schema = _SCHEMAS[name]

    assert schema["description"]
    for member, field in schema.get("properties", {}).items():
        nested = any(reference for reference in _references(field))
        assert field.get("examples") or nested, member


@each_case("name", sorted(each for each in _SCHEMAS if each.endswith("Response")))
def test_every_field_of_an_answer_is_always_there(name: str) -> None:
    schema = _SCHEMAS[name]

    assert set(schema["required"]) == schema["properties"].keys()


def test_no_schema_is_split_into_input_and_output() -> None:
    assert [name for name in _SCHEMAS if name.endswith(("Input", "Output"))] == []


def test_no_amount_is_a_float() -> None:
    assert '"type": "number"' not in _COMMITTED.read_text(encoding="utf-8")


def test_links_name_operations_that_exist() -> None:
    operation_ids = {operation["operationId"] for operation in _OPERATIONS.values()}
    linked = {
        link["operationId"]
        for operation in _OPERATIONS.values()
        for response in operation["responses"].values()
        for link in response.get("links", {}).values()
    }

    assert linked
    assert linked <= operation_ids


def test_the_body_of_a_link_is_one_expression_for_generators_refuse_others() -> None:
    links = [
        link
        for operation in _OPERATIONS.values()
        for response in operation["responses"].values()
        for link in response.get("links", {}).values()
    ]

    assert {link["requestBody"] for link in links if "requestBody" in link} == {"$response.body"}


def test_no_schema_is_named_as_go_names_the_constructors_of_others() -> None:
    names = {name.casefold() for name in _SCHEMAS}

    assert len(names) == len(_SCHEMAS)
    assert [name for name in names if name.startswith(("new", "nullable"))] == []


def test_no_two_enums_have_a_name_of_a_value_in_common() -> None:
    named = [name for schema in _SCHEMAS.values() for name in schema.get("x-enum-varnames", ())]
    values = [value for schema in _SCHEMAS.values() for value in schema.get("enum", ())]

    assert len(set(named)) == len(named) == len(values) > 0


def test_an_enum_stands_alone_under_a_name_and_never_within_a_field() -> None:
    within = [
        name
        for name, schema in _SCHEMAS.items()
        if '"enum"' in json.dumps(schema.get("properties", {}))
    ]

    assert within == []


def test_words_that_may_grow_are_strings_and_listed() -> None:
    growing = {name for name, schema in _SCHEMAS.items() if "x-extensible-enum" in schema}

    assert growing >= {"AddressForm", "EvidenceCategory", "Grade", "OrderStatus", "Rail"}
    for name in growing:
        schema = _SCHEMAS[name]
        assert (schema["type"], "enum" in schema) == ("string", False)
        for word in schema["x-extensible-enum"]:
            assert f"`{word}`" in schema["description"]


def test_no_field_has_a_default_for_generators_would_require_it() -> None:
    fields = [
        field for schema in _SCHEMAS.values() for field in schema.get("properties", {}).values()
    ]

    assert [field for field in fields if "default" in field or "title" in field] == []


def test_an_amount_has_one_shape_wherever_it_stands() -> None:
    shapes = {
        json.dumps([field.get("type"), "anyOf" in field])
        for schema in _SCHEMAS.values()
        for field in schema.get("properties", {}).values()
        if "\\d+" in json.dumps(field)
    }

    assert shapes == {'["string", false]', '[["string", "null"], false]'}


def test_a_receipt_has_no_type_that_a_client_could_write_anew() -> None:
    content = _OPERATIONS["GET /api/assessments/{assessment_id}/receipt"]["responses"]["200"][
        "content"
    ]

    assert content["application/octet-stream"]["schema"] == {"type": "string", "format": "binary"}
    assert content["application/json"]["schema"].keys() == {"description"}


def _references(schema: object) -> Iterator[str]:
    if isinstance(schema, list):
        for element in schema:
            yield from _references(element)
    elif isinstance(schema, dict):
        if "$ref" in schema:
            yield schema["$ref"]
        for member in schema.values():
            yield from _references(member)


def test_every_error_code_stands_where_it_can_occur_with_its_status_and_an_example() -> None:
    statuses = {error.code: error.status for error in AppError.__subclasses__()}
    examples = _DOCUMENT["components"]["examples"]
    named = {
        (reference["$ref"].rpartition("/")[2], int(status))
        for operation in _OPERATIONS.values()
        for status, response in operation["responses"].items()
        for reference in response.get("content", {})
        .get("application/json", {})
        .get("examples", {})
        .values()
    }

    # A settlement by an operator is no request.
    assert {code for code, _ in named} == statuses.keys() - {"order_not_settled"}
    assert named == {(code, statuses[code]) for code in examples}
    assert _SCHEMAS["ErrorCode"]["x-extensible-enum"] == sorted(examples)
    for code, example in examples.items():
        assert example["value"]["code"] == code


def test_every_operation_documents_what_a_request_may_meet_before_it_is_known() -> None:
    for name, operation in _OPERATIONS.items():
        for status, code in (
            (400, "malformed_request"),
            (408, "head_timeout"),
            (431, "head_too_large"),
        ):
            response = operation["responses"][str(status)]
            assert code in response["content"]["application/json"]["examples"], name
