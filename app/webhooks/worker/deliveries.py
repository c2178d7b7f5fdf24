"""Carrying the jobs of webhooks, and planning the next attempt by the engine's retry strategy."""

from datetime import datetime, timedelta
from typing import Final

from procrastinate import App, BaseRetryStrategy, RetryDecision
from procrastinate.jobs import Job
from typing_extensions import override

from app.resources import Resources
from app.runtime.jobs.carrying import JobCarrier
from app.runtime.loops.loops import Loop
from app.runtime.loops.waking import Waking
from app.runtime.observability.logging import get_logger
from app.webhooks import fan_out, jobs
from app.webhooks.sending import SentDelivery, WebhookDelivering

log = get_logger(__name__)

_AT_ONCE: Final = 32
_SLOW_AT_ONCE: Final = 16
_FAN_OUT_REST: Final = timedelta(seconds=1)
# Where no endpoint is enabled, until one is.
_UNWANTED_REST_SECONDS: Final = 10.0
_LOST_REST_SECONDS: Final = 5.0


class DeliveryFailed(Exception):
    """A webhook was not taken; it is sent again at `retry_at`."""

    def __init__(self, error: str | None, retry_at: datetime) -> None:
        super().__init__(error)
        self.retry_at = retry_at


class DeliveryRetry(BaseRetryStrategy):
    """Sends a webhook again at the time that its failed attempt was given (`rules/retries.py`).

    A job that raised anything else has lost its database: what it was for is found as lost.
    """

    @override
    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if not isinstance(exception, DeliveryFailed):
            return None
        return RetryDecision(retry_at=exception.retry_at, queue=jobs.SLOW_QUEUE)


def job_carrier(resources: Resources) -> JobCarrier:
    """Return what carries the jobs of webhooks."""
    delivering = WebhookDelivering(
        resources.database, resources.clock, resources.webhook_sender, resources.webhook_secrets
    )

    def add_task(app: App) -> None:
        @app.task(name=jobs.DELIVER, queue=jobs.QUEUE, retry=DeliveryRetry())
        async def deliver_webhook(delivery_id: str) -> None:
            sent = await delivering.deliver(delivery_id)
            if sent is None:
                return
            _observe(resources, sent, delivery_id)
            if sent.retry_at is not None:
                raise DeliveryFailed(sent.attempt.error, sent.retry_at)

    return JobCarrier(
        "webhooks",
        resources.database,
        resources.notifications,
        add_tasks=add_task,
        queues={jobs.QUEUE: _AT_ONCE, jobs.SLOW_QUEUE: _SLOW_AT_ONCE},
    )


def loops(resources: Resources) -> list[Loop]:
    """Return the loops that turn events into deliveries, and find deliveries without a job."""

    clock = resources.clock
    waking = Waking(resources.notifications, fan_out.ENDPOINTS_CHANNEL, "", clock)

    async def tell() -> bool:
        if not await fan_out.is_wanted(resources.database):
            waking.expect(None)
            return False
        waking.expect(clock.now() + _FAN_OUT_REST)
        async with resources.database.sessions() as session:
            return await fan_out.fan_out(session, clock.now())

    async def wake_lost() -> bool:
        async with resources.database.sessions() as session:
            await jobs.wake_lost(session, resources.clock.now())
        return False

    return [
        Loop("webhook_events", tell, _UNWANTED_REST_SECONDS, waking),
        Loop("lost_webhooks", wake_lost, _LOST_REST_SECONDS),
    ]


def _observe(resources: Resources, sent: SentDelivery, delivery_id: str) -> None:
    outcome = "delivered" if sent.attempt.succeeded else "failed"
    resources.metrics.webhook_attempts.labels(outcome).inc()
    if sent.disabled is not None:
        log.warning("webhook_endpoint_disabled", reason=sent.disabled, delivery_id=delivery_id)
