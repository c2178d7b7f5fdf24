"""The documentation pages work without internet, and the OpenAPI document has our shape."""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from openapi_spec_validator import OpenAPIV31SpecValidator

from app.main import create_app
from app.settings import Settings
from app.web.openapi import TAGS
from tests.web.small_app import client_of, create_small_app

STATIC = Path(__file__).resolve().parents[2] / "app" / "static"
LOADED = re.compile(r"""(?:src|href|spec-url)=["']([^"']+)["']""")
TYPES = {"js": "javascript", "css": "text/css", "png": "image/png", "json": "application/json"}


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return create_small_app()


@pytest.fixture(scope="module")
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as client:
        yield client


@pytest.fixture(scope="module")
def document(app: FastAPI) -> dict[str, Any]:
    return app.openapi()


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from path.values()


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_all_that_a_page_loads_comes_from_this_server(
    client: httpx.AsyncClient, path: str
) -> None:
    page = await client.get(path)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    addresses = LOADED.findall(page.text)
    assert len(addresses) >= 4
    for address in addresses:
        assert "//" not in address
        answer = await client.get(f"/{address}")
        assert answer.status_code == 200, address
        assert TYPES[address.rsplit(".")[-1]] in answer.headers["Content-Type"]


def test_redoc_makes_no_picture_of_another_host() -> None:
    script = (STATIC / "redoc" / "redoc.standalone.js").read_text(encoding="utf-8")

    assert "cdn.redoc.ly" not in script
    assert "redocly logo" not in script


async def test_language_models_are_told_of_paths_that_exist(client: httpx.AsyncClient) -> None:
    answer = await client.get("/llms.txt")
    paths = create_app(Settings()).openapi()["paths"]

    assert (answer.status_code, answer.headers["Content-Type"]) == (
        200,
        "text/plain; charset=utf-8",
    )
    assert answer.text.startswith("# Assay\n\n> ")
    named = re.findall(r"`(POST|GET) (/[^`]+)`", answer.text)
    assert len(named) >= 8
    for method, path in named:
        assert method.lower() in paths[path], path
    for address in re.findall(r"\]\(([^)]+)\)", answer.text):
        assert f"/{address}" in paths or (await client.get(f"/{address}")).status_code == 200


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_a_page_runs_no_script_but_ours(client: httpx.AsyncClient, path: str) -> None:
    page = await client.get(path)
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'self';" in policy
    assert "script-src" not in policy  # so that scripts too are from here alone
    assert "http" not in policy
    assert not re.search(r"<script>|<script [^>]*>[^<]| on\w+=", page.text)


async def test_the_vendored_pages_come_with_their_licences() -> None:
    for name in ("swagger-ui/LICENSE", "swagger-ui/NOTICE", "redoc/LICENSE"):
        assert (STATIC / name).stat().st_size > 0
    for script in ("swagger-ui/swagger-ui-bundle.js", "redoc/redoc.standalone.js"):
        assert (STATIC / f"{script}.LICENSE.txt").is_file()


async def test_no_static_file_outside_the_folder_is_served(client: httpx.AsyncClient) -> None:
    for path in ("/static/..%2fmain.py", "/static/%2e%2e/settings.py", "/static//etc/passwd"):
        assert (await client.get(path)).status_code == 404


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()
    assert document["openapi"].startswith("3.1")
    assert document["info"]["license"]["identifier"] == "Apache-2.0"
    assert document["info"]["contact"]
    assert document["servers"]


def test_operations_are_named_in_camel_case_after_their_functions(
    document: dict[str, Any],
) -> None:
    names = [operation["operationId"] for operation in operations(document)]
    assert "newOrder" in names
    assert "getPage" in names
    assert len(names) == len(set(names))


def test_each_operation_has_one_declared_tag_and_a_4xx(document: dict[str, Any]) -> None:
    declared = {tag["name"]: tag["description"] for tag in document["tags"]}
    used = set()
    for operation in operations(document):
        (tag,) = operation["tags"]
        used.add(tag)
        assert any(status.startswith("4") for status in operation["responses"])
    assert used == declared.keys()
    assert all(declared.values())
    assert {tag["name"] for tag in TAGS} >= used


def test_no_422_is_documented(document: dict[str, Any]) -> None:
    for operation in operations(document):
        assert "422" not in operation["responses"]
    assert not document["components"]["schemas"].keys() & {"HTTPValidationError", "ValidationError"}


def test_a_key_or_a_session_opens_and_public_operations_say_so(document: dict[str, Any]) -> None:
    paths = document["paths"]
    assert paths["/api/new_order"]["post"]["security"] == [
        {"ApiKeyHeader": []},
        {"SessionBearer": []},
    ]
    assert paths["/api/pages"]["get"]["security"] == []
    schemes = document["components"]["securitySchemes"]
    assert schemes["ApiKeyHeader"]["name"] == "X-API-KEY"
    assert schemes["SessionBearer"]["scheme"] == "bearer"


def test_errors_are_documented_with_examples_of_the_one_shape(document: dict[str, Any]) -> None:
    answers = document["paths"]["/api/new_order"]["post"]["responses"]
    shown = document["components"]["examples"]
    refusals = answers["400"]["content"]["application/json"]["examples"]
    assert refusals["missing_parameter"] == {"$ref": "#/components/examples/missing_parameter"}
    assert shown["missing_parameter"]["value"].keys() == {"detail", "code", "request_id"}
    assert answers["503"]["headers"]["Retry-After"]
    assert "internal_fault" in answers["500"]["content"]["application/json"]["examples"]


def test_requests_are_documented_with_their_bounds(document: dict[str, Any]) -> None:
    order = document["components"]["schemas"]["NewOrder"]
    credit_schema = order["properties"]["number_of_credits"]
    assert (credit_schema["minimum"], credit_schema["maximum"]) == (1, 10**9)
    assert credit_schema["type"] == "integer"
    assert order["properties"]["access_code"]["maxLength"] == 64
    assert order["properties"]["access_code"]["type"] == "string"  # optional, but never null
    assert order["required"] == ["number_of_credits", "payment_coin", "order_is_for_self"]
