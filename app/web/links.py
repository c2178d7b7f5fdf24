"""Links of the OpenAPI document: which member of an answer another request takes.

Each is for `responses=` of a route (OpenAPI 3.1, Link Object); a route's other responses join it
with `|`.
"""

from collections.abc import Mapping
from typing import Any, Final


def _created(**links: Mapping[str, Any]) -> dict[int | str, dict[str, Any]]:
    return {201: {"links": links}}


ORDER: Final = _created(
    status={
        "operationId": "checkOrderStatus",
        "description": "Follow the order and its payment",
        "requestBody": {"order_id": "$response.body#/order_id"},
    },
    cancel={
        "operationId": "cancelOrder",
        "description": "Cancel the order while nobody has paid it",
        "parameters": {"order_id": "$response.body#/order_id"},
    },
)
ASSESSMENT: Final = _created(
    assessments={
        "operationId": "checkAssessmentListForAccessCode",
        "description": "Read the assessment again",
        "requestBody": {
            "access_code": "$request.body#/access_code",
            "assessment_id_list": ["$response.body#/assessment_id"],
        },
    }
)
ACCESS_CODE: Final = _created(
    status={
        "operationId": "checkAccessCodeStatus",
        "description": "Read the access code",
        "requestBody": {"access_code": "$response.body#/access_code"},
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
        "requestBody": {"access_code": "$response.body#/access_code"},
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
