"""Hooks of Schemathesis: which refusals and acceptances a JSON Schema cannot tell, and why.

Every check is on. A failure is dropped only where the answer is the documented one for a reason
that is read from the request or the answer itself; all else stays a failure.
"""

import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import jsonschema_rs
import schemathesis
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.core.transport import Response
from schemathesis.generation.case import Case
from schemathesis.hooks import HookContext
from schemathesis.openapi.checks import RejectedPositiveData

from app.accounts.api_key_schemas import NETWORKS_TEXT
from app.addresses import SUPPORTED
from app.assessments.rules.questions import DAY_TEXT
from app.events.types import EventType
from app.orders.payment_page.links import RETURN_URL_TEXT
from app.orders.rules.states import OrderStatus

_OWN_KEY_PREFIX: Final = os.environ["CONFORMANCE_API_KEY"].split("_")[1]

_UNKNOWN_CURRENCY: Final = f"currency must be one of: {', '.join(SUPPORTED)}"  # in either case
# A day of the future, or before the lists; nobody has imported one.
_DAYS: Final = (f"as_of must be {DAY_TEXT}", "as_of must be left out: no list has been imported")
_EVENT_TYPES: Final = (  # words that may grow
    f"event_types must be a list of at least one of: {', '.join(EventType)}"
)
# What a schema calls valid and the service refuses, because it depends on what is stored, on the
# time, or on another parameter: an id that nobody has, a balance that is too small.
_REFUSALS: Final = {
    "newOrder": {
        "Invalid access code",
        "Missing access_code parameter",  # with order_is_for_self: false
        "Missing client_reference parameter",  # with unique_reference: true
        "payment_coin must be one of: Aeon (AEON) on the network AEON",
        "payment_network must be AEON for the coin Aeon",
        "number_of_credits must be a whole number from 1 to 10000",  # a setting
        "number_of_credits must be a whole number from 4 to 10000",  # AEON.to's limits
    },
    "checkOrderStatus": {"Invalid order_id"},
    "getOrder": {"order_id not found"},
    "cancelOrder": {"Invalid order_id", "Idempotency-Key was used with another order"},
    "createPaymentPage": {
        "Invalid order_id",
        f"return_url must be {RETURN_URL_TEXT}",  # a setting
    },
    "checkAccessCodeStatus": {"access_code not found"},
    "checkAssessmentListForAccessCode": {"access_code not found"},
    "createNewAssessmentForAccessCode": {
        "access_code not found",
        _UNKNOWN_CURRENCY,
        "Missing tx_hash parameter",  # with assessment_type: "transaction"
        *_DAYS,
        "Insufficient credits",
    },
    "createNewAssessmentsForAccessCode": {"access_code not found", "Insufficient credits"},
    "createNewAssessment": {
        _UNKNOWN_CURRENCY,
        "Missing tx_hash parameter",
        *_DAYS,
        "Insufficient credits",
    },
    "createAccessCode": {"expires_at must be a time in the future", "Insufficient credits"},
    "moveCreditsToAccessCode": {"access_code not found", "Insufficient credits"},
    "returnCreditsOfAccessCode": {"access_code not found", "Insufficient credits"},
    "getAssessment": {"assessment_id not found"},
    "getReceipt": {"assessment_id not found"},
    "getReport": {"assessment_id not found"},
    "deactivateAccessCode": {"access_code not found"},
    "rotateApiKey": {
        "An API key may rotate itself and the keys that it made; log in to rotate another"
    },
    "createApiKey": {
        "access_code not found",
        "expires_at must be a time in the future",
        f"ip_allow_list must be {NETWORKS_TEXT}",  # a pattern cannot tell a network
    },
    "createWebhookEndpoint": {
        _EVENT_TYPES,
        "An account has at most 16 webhook endpoints; delete one first",
    },
    "changeWebhookEndpoint": {"webhook_endpoint not found", _EVENT_TYPES},
    "getWebhookEndpoint": {"webhook_endpoint not found"},
    "deleteWebhookEndpoint": {"webhook_endpoint not found"},
    "rotateWebhookSecret": {"webhook_endpoint not found"},
    "testWebhookEndpoint": {"webhook_endpoint not found"},
    "redeliverWebhooks": {
        "webhook_endpoint not found",
        "delivery_ids must be given, or from_sequence, or since: one of them alone",
        "delivery_ids must be a list of ids of deliveries of this webhook endpoint",
        "to_sequence must be left out without from_sequence",
        "to_sequence must be at least from_sequence",
    },
    "listWebhookDeliveries": {"webhook_endpoint not found"},
    "getWebhookDelivery": {"webhook_endpoint not found", "webhook_delivery not found"},
    "listWebhookEndpoints": {"cursor must be a next_cursor of an earlier page"},
    "checkPrice": {
        "payment_network must be one of: AEON",  # a setting
        "number_of_credits must be a whole number from 4 to 10000",
        "payment_coin must be one of: Aeon (AEON) on the network AEON",  # a setting
        "payment_network must be AEON for the coin Aeon",
    },
    "listOrders": {
        "cursor must be a next_cursor of an earlier page",
        "access_code not found",
        f"status must be one of: {', '.join(OrderStatus)}",  # a list of words that may grow
    },
    "exportOrders": {
        "access_code not found",
        f"status must be one of: {', '.join(OrderStatus)}",
    },
    "exportAssessments": {"access_code not found"},
    "exportLedger": {"access_code not found"},
    "listEvents": {"access_code not found"},
    "followEvents": {"access_code not found"},
    "listLedger": {"cursor must be a next_cursor of an earlier page", "access_code not found"},
    "listAssessments": {"cursor must be a next_cursor of an earlier page", "access_code not found"},
    "listAccessCodes": {"cursor must be a next_cursor of an earlier page"},
    "listApiKeys": {"cursor must be a next_cursor of an earlier page", "access_code not found"},
}
_ASKING: Final = ("createNewAssessment", "createNewAssessmentForAccessCode")
_NAMING_URLS: Final = ("createWebhookEndpoint", "changeWebhookEndpoint")
# The reason follows, which depends on what was sent.
_MALFORMED: Final = (
    "address must be a well-formed address of the currency (",
    "address must be an address of the currency's main network (",
    "tx_hash must be 64 hexadecimal digits",
    "tx_hash must be 0x and 64 hexadecimal digits",
)
_NUMBERS: Final = itertools.count()
_KEY_REUSED: Final = tuple(
    f"Idempotency-Key was used with another {it}" for it in ("body", "request")
)
_TAKEN: Final = "client_reference must be unique, and the order "
_NUL: Final = "The body has a NUL character"


def _for_self(body: Mapping[str, Any]) -> bool:
    return body.get("order_is_for_self") is True


def _of_an_address(body: Mapping[str, Any]) -> bool:
    return body.get("assessment_type") == "address"


# The parameter that plays no part beside another, whatever it is (and that callers may send).
_IGNORED: Final[Mapping[str, tuple[str, Callable[[Mapping[str, Any]], bool]]]] = {
    "newOrder": ("access_code", _for_self),
    "createNewAssessment": ("tx_hash", _of_an_address),
    "createNewAssessmentForAccessCode": ("tx_hash", _of_an_address),
    "checkOrderStatus": ("access_code", lambda _body: True),  # our caller is a user
}


@schemathesis.hook
def before_call(_context: HookContext, case: Case[Any], _kwargs: dict[str, Any]) -> None:
    """Let each call come from an address of its own: bad credentials are counted by address."""
    number = next(_NUMBERS)
    address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    case.headers["X-Forwarded-For"] = address


@schemathesis.hook
def filter_case(_context: HookContext, case: Case[Any]) -> bool:
    """Keep the run from revoking the key that it calls with."""
    return _OWN_KEY_PREFIX not in str(case.path_parameters.get("prefix"))


@schemathesis.hook
def filter_failure(
    _context: HookContext, failure: Failure, case: Case[Any], response: Response
) -> bool:
    """Drop a failure that is the documented answer."""
    if isinstance(failure, RejectedPositiveData):
        return not _is_documented_refusal(case, response)
    if isinstance(failure, AcceptedNegativeData):
        return not _is_documented_acceptance(case)
    return True


def _is_documented_refusal(case: Case[Any], response: Response) -> bool:
    detail = response.json()["detail"]
    return (
        detail in _REFUSALS.get(_operation_id(case), ())
        or (_operation_id(case) in _ASKING and detail.startswith(_MALFORMED))
        or (_operation_id(case) in _NAMING_URLS and detail.startswith("url must be "))
        or (detail in _KEY_REUSED and response.status_code == 422)
        or (detail.startswith(_TAKEN) and response.status_code == 409)
        or (detail == _NUL and any("\0" in text for text in _strings(case.body)))
        or _names_a_float(detail, case.body)
    )


def _names_a_float(detail: str, body: object) -> bool:
    """JSON Schema calls `1.0` an integer; Assay refuses it, and its description says so."""
    return isinstance(body, dict) and any(
        isinstance(value, float) and detail.startswith(f"{name} must be a whole number")
        for name, value in body.items()
    )


def _is_documented_acceptance(case: Case[Any]) -> bool:
    """Judge the body without what plays no part in it: `null`, `""`, `[]`, and the ignored."""
    if not isinstance(case.body, dict):
        return False
    ignored, applies = _IGNORED.get(_operation_id(case), ("", lambda _body: False))
    judged = {
        name: value
        for name, value in case.body.items()
        if value not in (None, "", []) and not (name == ignored and applies(case.body))
    }
    return judged != case.body and _fits_schema(case, judged)


def _operation_id(case: Case[Any]) -> str:
    operation_id: str = case.operation.definition.raw["operationId"]
    return operation_id


def _fits_schema(case: Case[Any], body: Mapping[str, Any]) -> bool:
    content = case.operation.definition.raw["requestBody"]["content"]
    components = case.operation.schema.raw_schema["components"]
    schema = content["application/json"]["schema"] | {"components": components}
    return jsonschema_rs.is_valid(schema, body)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for element in value:
            yield from _strings(element)
    elif isinstance(value, dict):
        for name, member in value.items():
            yield name
            yield from _strings(member)
