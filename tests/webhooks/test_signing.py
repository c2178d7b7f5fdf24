"""Signatures and retries, with values of the Standard Webhooks specification."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from app.webhooks.rules.retries import next_attempt_at, read_retry_after
from app.webhooks.rules.signing import new_secret, signed_headers, write_secret
from app.webhooks.secrets import SecretStore, SecretUnreadable

NOW = datetime(2026, 1, 11, 12, 46, 3, 999_000, tzinfo=UTC)
# Standard Webhooks, specification, "Signature scheme" and the vectors of its reference libraries.
SECRET = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
MESSAGE_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
AT = datetime.fromtimestamp(1_614_265_330, UTC)
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_signature_is_that_of_the_specification() -> None:
    assert signed_headers(BODY, message_id=MESSAGE_ID, at=AT, keys=[SECRET]) == {
        "webhook-id": MESSAGE_ID,
        "webhook-timestamp": "1614265330",
        "webhook-signature": SIGNATURE,
    }


def test_time_in_another_zone_signs_the_same() -> None:
    elsewhere = AT.astimezone(tz=None)
    headers = signed_headers(BODY, message_id=MESSAGE_ID, at=elsewhere, keys=[SECRET])
    assert headers["webhook-signature"] == SIGNATURE


def test_two_secrets_sign_at_once_and_either_verifies() -> None:
    old, new, other = new_secret(), new_secret(), new_secret()
    now = datetime.now(UTC)
    headers = signed_headers(BODY, message_id="evt_1", at=now, keys=[new, old])
    for secret in (old, new):
        assert Webhook(write_secret(secret)).verify(BODY, headers) == {"test": 2432232314}
    with pytest.raises(WebhookVerificationError):
        Webhook(write_secret(other)).verify(BODY, headers)


def test_secret_is_whsec_and_base64_of_32_bytes() -> None:
    text = write_secret(new_secret())
    assert text.startswith("whsec_")
    assert len(base64.b64decode(text.removeprefix("whsec_"), validate=True)) == 32


def test_secrets_are_sealed_by_the_first_key_and_opened_by_any() -> None:
    secret, first, second = new_secret(), "a" * 32, "b" * 32
    sealed = SecretStore([first]).seal(secret)
    assert secret not in sealed
    assert SecretStore([second, first]).unseal(sealed) == secret
    assert SecretStore([second, first]).seal(secret) != sealed
    assert SecretStore([first]).unseal(SecretStore([]).seal(secret)) == secret
    for keys in ([second], []):
        with pytest.raises(SecretUnreadable):
            SecretStore(keys).unseal(sealed)


def attempts(*, chance: float, retry_after: str = "") -> list[timedelta]:
    """Return when a delivery that always fails at once is tried, from its first attempt on."""
    times, now = [NOW], NOW
    while True:
        planned = next_attempt_at(
            first_attempt_at=NOW,
            attempts=len(times),
            now=now,
            retry_after=retry_after,
            chance=chance,
        )
        if planned is None:
            return [at - NOW for at in times]
        times.append(planned)
        now = planned


def test_attempts_follow_5_s_5_min_30_min_2_h_5_h_10_h_then_daily_up_to_three_days() -> None:
    pauses = [
        timedelta(seconds=5),
        timedelta(minutes=5),
        timedelta(minutes=30),
        timedelta(hours=2),
        timedelta(hours=5),
        timedelta(hours=10),
        timedelta(days=1),
        timedelta(days=1),
    ]
    expected = [timedelta(0)]
    for pause in pauses:
        expected.append(expected[-1] + pause)
    assert attempts(chance=0) == [*expected, timedelta(days=3)]


def test_jitter_adds_up_to_a_tenth_and_never_goes_beyond_three_days() -> None:
    plain, jittered = attempts(chance=0), attempts(chance=1)
    assert jittered[1] == timedelta(seconds=5.5)
    assert jittered[2] - jittered[1] == timedelta(minutes=5.5)
    assert all(late >= early for early, late in zip(plain, jittered, strict=False))
    assert jittered[-1] == timedelta(days=3)


def test_retry_after_lengthens_a_pause_by_a_day_at_most() -> None:
    assert attempts(chance=0, retry_after="60")[:3] == [
        timedelta(0),
        timedelta(seconds=60),
        timedelta(seconds=60, minutes=5),
    ]
    assert attempts(chance=0, retry_after="999999999") == [timedelta(days=day) for day in range(4)]


def test_retry_after_is_seconds_or_a_date_and_anything_else_is_nothing() -> None:
    """RFC 9110, sections 10.2.3 and 5.6.7."""
    now = datetime(1994, 11, 6, 8, 48, 37, tzinfo=UTC)
    for text, seconds in {
        "120": 120,
        " 7 ": 7,
        "0": 0,
        "Sun, 06 Nov 1994 08:49:37 GMT": 60,
        "Sunday, 06-Nov-94 08:49:37 GMT": 60,
        "Sun Nov  6 08:49:37 1994": 60,
        "Sun, 06 Nov 1994 08:00:00 GMT": 0,
        "": 0,
        "-5": 0,
        "1.5": 0,
        "soon": 0,
        "٣": 0,
        "9" * 1000: 999_999_999,
        "Sun, 06 Nov 1994 99:99:99 GMT": 0,
    }.items():
        assert read_retry_after(text, now) == timedelta(seconds=seconds), text
