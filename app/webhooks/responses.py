"""What the API answers of webhook endpoints and their deliveries."""

from app.webhooks.deliveries import DeliveryBodies, DeliveryFacts
from app.webhooks.endpoints import EndpointFacts, NewSecret
from app.webhooks.rules.states import DeliveryStatus, DisabledReason, EndpointStatus
from app.webhooks.schemas import (
    WebhookDeliveryResponse,
    WebhookDeliveryWithBodies,
    WebhookEndpointResponse,
    WebhookEndpointWithSecret,
)


def endpoint_response(facts: EndpointFacts) -> WebhookEndpointResponse:
    reason = facts.disabled_reason
    return WebhookEndpointResponse(
        id=facts.id,
        url=facts.url,
        event_types=None if facts.event_types is None else list(facts.event_types),
        description=facts.description,
        created_at=facts.created_at,
        status=EndpointStatus(facts.status),
        disabled_reason=None if reason is None else DisabledReason(reason),
        disabled_at=facts.disabled_at,
        failing_since=facts.failing_since,
        last_sequence=facts.last_sequence,
        old_secret_until=facts.old_secret_until,
    )


def endpoint_with_secret(made: NewSecret) -> WebhookEndpointWithSecret:
    return WebhookEndpointWithSecret(
        **endpoint_response(made.facts).model_dump(), secret=made.secret
    )


def delivery_response(facts: DeliveryFacts) -> WebhookDeliveryResponse:
    return WebhookDeliveryResponse(
        id=facts.id,
        webhook_id=facts.message_id,
        event_type=facts.event_type,
        sequence=facts.sequence,
        status=DeliveryStatus(facts.status),
        created_at=facts.created_at,
        attempts=facts.attempts,
        last_attempt_at=facts.last_attempt_at,
        next_attempt_at=facts.next_attempt_at,
        answer_status=facts.answer_status,
        duration_ms=facts.duration_ms,
        error=facts.error,
    )


def delivery_with_bodies(facts: DeliveryBodies) -> WebhookDeliveryWithBodies:
    return WebhookDeliveryWithBodies(
        **delivery_response(facts).model_dump(),
        request_body=facts.request_body,
        answer_body=facts.answer_body,
    )
