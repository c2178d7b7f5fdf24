"""Which error codes may be answered where: by every operation, by its kind, and by it alone.

The tables name codes; what each means and says is the class that has it. A test holds the document
against the classes, and every error that a test is answered with against the document.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from app.accounts.rules.key_limits import Need
from app.runtime.errors import AppError

JsonObject = dict[str, Any]

# The text of an error whose class takes arguments, as it may be.
_TEXTS: Final[Mapping[str, str]] = {
    "assessment_not_ready": "The assessment is pending and has no answer",
    "body_timeout": "The body must arrive within 10 seconds",
    "body_too_large": "The body must be at most 16384 bytes",
    "client_reference_taken": "client_reference must be unique, and the order"
    " ord_00VbhnY6RLeQ2oZmgNCoZuaKC has it",
    "head_timeout": "The headers must arrive within 10 seconds",
    "head_too_large": "The headers must be at most 65536 bytes",
    "idempotency_key_reused": "Idempotency-Key was used with another body",
    "invalid_parameter": "number_of_credits must be a whole number from 1 to 10000",
    "KY53D": "Failure to fetch user data. Please contact support with error code KY53D and the"
    " current time: 2026-01-11 12:46:03.",
    "lists_not_in_force": "No assessment is sold without the required lists: OFAC SDN is not in"
    " force; try again later",
    "malformed_body": "The body is empty; send one JSON object",
    "method_not_allowed": "Method not allowed; use GET, HEAD",
    "missing_parameter": "Missing access_code parameter",
    "missing_scope": "The API key lacks the scope orders:write",
    "order_not_cancellable": "An order that is PAID cannot be cancelled; only one that nobody paid"
    " can",
    "read_only_key": "The API key is read-only, and this changes something of orders:write",
    "too_many_attempts": "Too many attempts; try again later",
    "too_many_open_orders": "At most 20 unpaid orders may be open at once, those of a user and its"
    " access codes together; pay one, or wait until one times out. An order in bitcoin that was"
    " cancelled counts until then",
    "unknown_query_parameter": "The query may have, once each, only: cursor, limit",
}
# What any request may meet before its operation is known.
_ANYWHERE: Final = ("malformed_request", "head_timeout", "head_too_large")
_UNKNOWN_STATUSES: Final = {
    "400": "The request is not as described",
    "408": "The headers came too slowly",
    "431": "The headers are too large",
}
# The Credits API gives it no parameters, and ignores what it does not know.
_ANY_QUERY: Final = "checkSelfStatus"
_OF_CREDENTIALS: Final = (
    "invalid_api_key",
    "not_logged_in",
    "user_not_identified",
    "address_not_allowed",
    "too_many_attempts",
)
_OF_BODIES: Final = (
    "missing_parameter",
    "invalid_parameter",
    "malformed_body",
    "body_timeout",
    "body_too_large",
    "unsupported_media_type",
)
_OF_KEYS: Final = (
    "invalid_parameter",
    "idempotency_key_in_flight",
    "idempotency_key_reused",
)
_OF_THE_DATABASE: Final = ("internal_fault", "database_away", "busy", "database_read_only")
_ISSUED: Final = ("users_only", "access_code_not_found")
_ASSESSING: Final = ("insufficient_credits", "4J9Y1", "lists_not_in_force")
_OF_ONE: Final[Mapping[str, tuple[str, ...]]] = {
    "newOrder": (
        "invalid_access_code",
        "client_reference_taken",
        "too_many_open_orders",
        "order_not_created",
        "order_fault",
    ),
    "checkOrderStatus": ("access_code_mismatch", "invalid_order_id"),
    "listOrders": ("access_code_not_found",),
    "getOrder": ("not_found",),
    "cancelOrder": ("invalid_order_id", "buyer_only", "order_not_cancellable"),
    "createPaymentPage": ("invalid_order_id", "idempotency_key_sealed"),
    "orderParameters": ("upstream_unknown",),
    "checkPrice": ("upstream_unknown",),
    "createNewAssessmentForAccessCode": ("access_code_not_found", *_ASSESSING),
    "createNewAssessment": ("access_code_not_found", *_ASSESSING),
    "createNewAssessmentsForAccessCode": ("access_code_not_found", *_ASSESSING),
    "checkAssessmentListForAccessCode": (
        "access_code_not_found",
        "no_assessments_found",
        "KY53D",
    ),
    "listAssessments": ("access_code_not_found",),
    "getAssessment": ("not_found",),
    "getReceipt": ("not_found", "assessment_not_ready"),
    "getReport": ("not_found", "assessment_not_ready"),
    "checkSelfStatus": ("4W9Y2",),
    "register": ("registration_closed", "email_taken", "too_many_attempts"),
    "logout": ("invalid_parameter",),
    "login": ("wrong_password", "too_many_attempts"),
    "changePassword": ("wrong_password", "users_only"),
    "exportOrders": ("access_code_not_found",),
    "exportAssessments": ("access_code_not_found",),
    "exportLedger": ("access_code_not_found",),
    "listLedger": ("access_code_not_found",),
    "listEvents": ("access_code_not_found", "missing_scope", "too_many_streams"),
    "followEvents": ("access_code_not_found", "missing_scope", "too_many_streams"),
    "checkAccessCodeStatus": ("access_code_not_found",),
    "listAccessCodes": ("users_only",),
    "createAccessCode": ("users_only", "insufficient_credits"),
    "deactivateAccessCode": _ISSUED,
    "moveCreditsToAccessCode": (*_ISSUED, "insufficient_credits"),
    "returnCreditsOfAccessCode": (*_ISSUED, "insufficient_credits"),
    "createApiKey": ("access_code_not_found", "idempotency_key_sealed"),
    "listApiKeys": ("access_code_not_found",),
    "rotateApiKey": (
        "access_code_not_found",
        "not_found",
        "rotation_not_allowed",
        "api_key_not_active",
        "idempotency_key_sealed",
    ),
    "revokeApiKey": ("not_found",),
    "createWebhookEndpoint": (
        "access_code_not_found",
        "too_many_webhook_endpoints",
        "idempotency_key_sealed",
    ),
    "getWebhookEndpoint": ("not_found",),
    "changeWebhookEndpoint": ("access_code_not_found", "not_found"),
    "deleteWebhookEndpoint": ("not_found",),
    "rotateWebhookSecret": ("access_code_not_found", "not_found", "idempotency_key_sealed"),
    "testWebhookEndpoint": ("access_code_not_found", "not_found"),
    "listWebhookDeliveries": ("not_found",),
    "getWebhookDelivery": ("not_found",),
    "redeliverWebhooks": ("access_code_not_found", "not_found", "webhook_endpoint_disabled"),
}
_ID: Final = "0f8fad5bd9cb469fa16570867728950e"
_REFERENCE: Final = "#/components/examples/"
_PROBLEM: Final = {"$ref": "#/components/schemas/Problem"}


def document_errors(document: JsonObject, needs: Mapping[str, Need]) -> None:
    """Say under each status of each operation which codes it may have, with an example of each.

    `needs` is what each operation asks of an API key, by its id.
    """
    errors = {error.code: error for error in AppError.__subclasses__()}
    components, used = document["components"], set[str]()
    for method, operation in _operations(document):
        codes = _codes_of(method, operation, needs.get(operation["operationId"]))
        by_status: dict[str, list[str]] = {}
        for code in codes:
            by_status.setdefault(str(errors[code].status), []).append(code)
        _write(operation["responses"], by_status)
        used.update(codes)
    components["examples"] = {
        code: {
            "summary": str(errors[code].__doc__).partition("\n")[0],
            "value": _body(errors[code]),
        }
        for code in sorted(used)
    }
    for schema in components["schemas"].values():
        code = schema.get("properties", {}).get("code")
        if code is not None:
            code.pop("type")
            code["$ref"] = "#/components/schemas/ErrorCode"
    components["schemas"]["ErrorCode"] = {
        "type": "string",
        "title": "ErrorCode",
        "description": "For a program: what is wrong. The answers of each operation list theirs."
        f" One of: {', '.join(f'`{code}`' for code in sorted(used))}. More may come: handle one"
        " that you do not know by its HTTP status (docs/versioning.md).",
        "examples": ["missing_parameter"],
        "x-extensible-enum": sorted(used),
    }


def _operations(document: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    for path in document["paths"].values():
        yield from path.items()


def _codes_of(method: str, operation: JsonObject, need: Need | None) -> list[str]:
    """Return the codes that an operation may answer, each once."""
    codes = [*_ANYWHERE]
    secured, responses = bool(operation.get("security")), operation["responses"]
    parameters = operation.get("parameters", ())
    if secured:
        codes += _OF_CREDENTIALS
    if need is not None:
        codes += ["missing_scope"] if need.scope is not None else []
        codes += ["read_only_key"] if need.changes else []
    if "requestBody" in operation:
        codes += _OF_BODIES
    if any(parameter["in"] == "query" for parameter in parameters):
        codes.append("invalid_parameter")
    if need is not None and method != "post" and operation["operationId"] != _ANY_QUERY:
        codes.append("unknown_query_parameter")
    if any(parameter["name"] == "Idempotency-Key" for parameter in parameters):
        codes += _OF_KEYS
    if "503" in responses and "500" in responses:
        codes += _OF_THE_DATABASE
    if "405" in responses:
        codes.append("method_not_allowed")
    codes += _OF_ONE.get(operation["operationId"], ())
    return list(dict.fromkeys(codes))


def _write(responses: JsonObject, by_status: Mapping[str, list[str]]) -> None:
    for status, codes in by_status.items():
        response = responses.setdefault(
            status,
            {
                "description": _UNKNOWN_STATUSES.get(status, ""),
                "content": {"application/json": {"schema": _PROBLEM}},
            },
        )
        body = response["content"]["application/json"]
        body.pop("example", None)
        body["examples"] = {code: {"$ref": _REFERENCE + code} for code in codes}


def _body(error: type[AppError]) -> JsonObject:
    text = _TEXTS.get(error.code)
    return {
        error.member: error().detail if text is None else text,  # type: ignore[call-arg]
        "code": error.code,
        "request_id": _ID,
    }
