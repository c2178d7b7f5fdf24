"""The shape of the OpenAPI document: ids, tags, security, and no trace of a 422 that never comes.

The document is the contract: `docs/openapi.json` is made from it and linted (`docs/lint`).
"""

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.encoders import jsonable_encoder
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.security import APIKeyHeader, HTTPBearer

from app.web import openapi_errors, openapi_examples, openapi_schemas
from app.web.scopes import NEEDS

API_KEY: Final = APIKeyHeader(
    name="X-API-KEY",
    scheme_name="ApiKeyHeader",
    description="An API key, shown once when it is made.",
    auto_error=False,  # a missing credential is 403 with the endpoint's own text
)
SESSION: Final = HTTPBearer(
    scheme_name="SessionBearer",
    description="The session token that a login returned.",
    auto_error=False,
)
_SCHEMES: Final = (API_KEY, SESSION)
TAGS: Final[list[dict[str, Any]]] = [
    {"name": "orders", "description": "Buy credits and follow the payment."},
    {"name": "assessments", "description": "Spend credits on risk assessments."},
    {"name": "accounts", "description": "Register, log in, and see one's own account."},
    {"name": "access codes", "description": "Issue access codes, and give them credits."},
    {"name": "events", "description": "Be told what happens, in one stream without gaps."},
    {"name": "api keys", "description": "Make and revoke API keys."},
    {"name": "webhooks", "description": "Have events posted to one's own server."},
    {"name": "health", "description": "Whether the service lives and is ready."},
]
DESCRIPTION: Final = """\
Sells prepaid credits for cryptocurrency and spends them on risk assessments of blockchain
addresses and transactions.

Every error is `{"detail", "code", "request_id"}`. Bodies are strict JSON: integers are written as
integers (`10`, never `10.0`, `1e1` or `"10"`), a key stands once in an object, no text has a NUL,
and a body has at most 16 KiB (`check_assessment_list_for_access_code`: 256 KiB). Parameters that
are unknown are ignored; `null`, `""` and `[]` are as if the parameter were not sent.

An API key may be limited to scopes, to reading, and to networks: what is beyond is 403. The scope
that an operation asks for stands in `x-required-scope`. A query parameter that an endpoint does not
know is 400, but for `check_self_status`.

HEAD works where GET does. Every answer under `/api` carries `Cache-Control: no-store`.
"""
_REQUEST_ID: Final[dict[str, Any]] = {
    "description": "Names this request: in the logs, in an error's body, and to support",
    "required": True,
    "schema": {"type": "string"},
    "example": "0f8fad5bd9cb469fa16570867728950e",
}
_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_UNUSED_SCHEMAS: Final = ("HTTPValidationError", "ValidationError")
_taking_credentials: Final[set[Callable[..., Any]]] = set()
_Dependency = TypeVar("_Dependency", bound=Callable[..., Any])


def takes_credentials(dependency: _Dependency) -> _Dependency:
    """Mark a dependency that reads the headers of both schemes: the document says so of its routes.

    As sub-dependencies of it, `Security(API_KEY)` and `Security(SESSION)` would be solved for every
    request, which costs as much as PostgreSQL takes to find the key.
    """
    _taking_credentials.add(dependency)
    return dependency


def unique_operation_id(route: APIRoute) -> str:
    """Name an operation after its function: `create_order` is `createOrder`."""
    return _operation_id(route.name)


def _operation_id(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)


def install(app: FastAPI) -> None:
    """Make `app.openapi()` return the document of this module's shape, made once.

    Give the routers of other routes than StrictRoute
    `generate_unique_id_function=unique_operation_id`.
    """

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title="Assay",
        version=app.version,
        summary="Credits for cryptocurrency, risk assessments for credits.",
        description=DESCRIPTION,
        contact={"name": "The operator of this server"},
        license_info={"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        servers=[{"url": "/", "description": "The server that this document came from"}],
        tags=TAGS,
        routes=app.routes,
    )
    used = {tag for operation in _operations(document) for tag in operation.get("tags", ())}
    document["tags"] = [tag for tag in TAGS if tag["name"] in used]
    _document_credentials(app, document)
    needs = {_operation_id(name): need for name, need in NEEDS.items()}
    for operation in _operations(document):
        _drop_default_422(operation)
        need = needs.get(operation["operationId"])
        if need is not None and need.scope is not None:
            operation["x-required-scope"] = need.scope.value
        operation.setdefault("security", [])
    openapi_errors.document_errors(document, needs)
    openapi_examples.document_examples(_operations(document))
    for operation in _operations(document):
        for response in operation["responses"].values():
            headers = response.setdefault("headers", {})
            headers["X-Request-ID"] = {"$ref": "#/components/headers/RequestId"}
    components = document.setdefault("components", {})
    components["headers"] = {"RequestId": _REQUEST_ID}
    schemas = components.get("schemas", {})
    for name in _UNUSED_SCHEMAS:
        schemas.pop(name, None)
    openapi_schemas.shape(schemas, list(_inline_schemas(document)))
    components["schemas"] = dict(sorted(schemas.items()))
    return document


def _document_credentials(app: FastAPI, document: dict[str, Any]) -> None:
    """Name the two schemes, and the operations that take either."""
    document.setdefault("components", {})["securitySchemes"] = {
        scheme.scheme_name: jsonable_encoder(scheme.model, by_alias=True, exclude_none=True)
        for scheme in _SCHEMES
    }
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, APIRoute) and _takes_credentials(route.dependant):
            for method in context.methods or ():
                path = document["paths"][context.path_format]
                path[method.lower()] = _taking_either(path[method.lower()])


def _taking_either(operation: dict[str, Any]) -> dict[str, Any]:
    """Return an operation that takes either scheme, said where FastAPI says it: after its id."""
    said: dict[str, Any] = {}
    for name, value in operation.items():
        said[name] = value
        if name == "operationId":
            said["security"] = [{scheme.scheme_name: []} for scheme in _SCHEMES]
    return said


def _takes_credentials(dependant: Dependant) -> bool:
    return dependant.call in _taking_credentials or any(
        _takes_credentials(one) for one in dependant.dependencies
    )


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document.get("paths", {}).values():
        for method in _METHODS:
            if method in path:
                yield path[method]


def _inline_schemas(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Find the schemas of parameters and answers that have no name of their own."""
    for operation in _operations(document):
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        places = [media for body in bodies for media in body.get("content", {}).values()]
        for place in (*operation.get("parameters", ()), *places):
            schema = place.get("schema")
            if schema is not None:
                schema.pop("title", None)
                yield schema


def _drop_default_422(operation: dict[str, Any]) -> None:
    """Drop the 422 that FastAPI puts everywhere, and keep one that a route declares itself."""
    content = operation["responses"].get("422", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    if schema.get("$ref", "").endswith("/HTTPValidationError"):
        del operation["responses"]["422"]
