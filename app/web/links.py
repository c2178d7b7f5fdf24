"""Links of the OpenAPI document: which member of an answer another request takes.

Each is for `responses=` of a route (OpenAPI 3.1, Link Object); a route's other responses join it
with `|`. A `requestBody` is one runtime expression, `$response.body`: generators refuse an object
of expressions. The request takes the fields that it knows from the answer, and ignores the others.
"""

from collections.abc import Mapping
from typing import Any, Final


def _created(**links: Mapping[str, Any]) -> dict[int | str, dict[str, Any]]:
    return {201: {"links": links}}


ORDER: Final = _created(
    status={
        "operationId": "checkOrderStatus",
        "description": "Follow the order and its payment",
        "requestBody": "$response.body",
    },
    order={
        "operationId": "getOrder",
        "description": "Read the order by its id",
        "parameters": {"order_id": "$response.body#/order_id"},
    },
    payment_page={
        "operationId": "createPaymentPage",
        "description": "Make a link to a page on which the buyer pays",
        "parameters": {"order_id": "$response.body#/order_id"},
    },
    cancel={
        "operationId": "cancelOrder",
        "description": "Cancel the order while nobody has paid it",
        "parameters": {"order_id": "$response.body#/order_id"},
    },
)
ASSESSMENT: Final = _created(
    assessment={
        "operationId": "getAssessment",
        "description": "Read it again, until it is ready",
        "parameters": {"assessment_id": "$response.body#/assessment_id"},
    },
    receipt={
        "operationId": "getReceipt",
        "description": "Get its receipt, once it is ready",
        "parameters": {"assessment_id": "$response.body#/assessment_id"},
    },
    report={
        "operationId": "getReport",
        "description": "Get it as a page, once it is ready",
        "parameters": {"assessment_id": "$response.body#/assessment_id"},
    },
)
ACCESS_CODE: Final = _created(
    status={
        "operationId": "checkAccessCodeStatus",
        "description": "Read the access code",
        "requestBody": "$response.body",
    },
    credits={
        "operationId": "moveCreditsToAccessCode",
        "description": "Move credits to it",
        "parameters": {"access_code": "$response.body#/access_code"},
    },
    deactivation={
        "operationId": "deactivateAccessCode",
        "description": "Take it out of use",
        "parameters": {"access_code": "$response.body#/access_code"},
    },
    key={
        "operationId": "createApiKey",
        "description": "Make a key for it",
        "requestBody": "$response.body",
    },
)
API_KEY: Final = _created(
    rotation={
        "operationId": "rotateApiKey",
        "description": "Give the key a new secret",
        "parameters": {"prefix": "$response.body#/prefix"},
    },
    revocation={
        "operationId": "revokeApiKey",
        "description": "Revoke the key",
        "parameters": {"prefix": "$response.body#/prefix"},
    },
)
WEBHOOK_ENDPOINT: Final = _created(
    endpoint={
        "operationId": "getWebhookEndpoint",
        "description": "Read the endpoint",
        "parameters": {"webhook_endpoint_id": "$response.body#/id"},
    },
    test={
        "operationId": "testWebhookEndpoint",
        "description": "Send a test to it",
        "parameters": {"webhook_endpoint_id": "$response.body#/id"},
    },
    deliveries={
        "operationId": "listWebhookDeliveries",
        "description": "List what was sent to it",
        "parameters": {"webhook_endpoint_id": "$response.body#/id"},
    },
    deletion={
        "operationId": "deleteWebhookEndpoint",
        "description": "Delete the endpoint",
        "parameters": {"webhook_endpoint_id": "$response.body#/id"},
    },
)
WEBHOOK_DELIVERY: Final = _created(
    delivery={
        "operationId": "getWebhookDelivery",
        "description": "Read what became of it",
        "parameters": {
            "webhook_endpoint_id": "$request.path.webhook_endpoint_id",
            "webhook_delivery_id": "$response.body#/id",
        },
    },
)
