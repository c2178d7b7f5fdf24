"""The errors of webhooks."""

from app.runtime.errors import AppError
from app.webhooks.rules.states import MAX_ENDPOINTS


class TooManyWebhookEndpoints(AppError):
    """The account has as many endpoints as it may have."""

    code = "too_many_webhook_endpoints"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            f"An account has at most {MAX_ENDPOINTS} webhook endpoints; delete one first"
        )


class WebhookEndpointDisabled(AppError):
    """Something is to be sent again to an endpoint that is disabled."""

    code = "webhook_endpoint_disabled"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            'The webhook endpoint is disabled; enable it first, by a PATCH with {"enabled": true}'
        )
