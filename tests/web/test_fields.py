"""The shared field types: what they take, what they refuse, how they are written."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from app.web.fields import Email, Money, Password, RequestModel, TimeSent, Timestamp
from tests.support.cases import each_case

TIME = TypeAdapter[datetime](TimeSent)


class Answer(BaseModel):
    at: Timestamp
    price: Money


class Sent(RequestModel):
    email: Email | None = None
    password: Password | None = None


@each_case(
    ("text", "time"),
    [
        ("2030-01-31T12:00:00Z", datetime(2030, 1, 31, 12, tzinfo=UTC)),
        ("2030-01-31t12:00:00z", datetime(2030, 1, 31, 12, tzinfo=UTC)),
        ("2030-01-31T12:00:00+02:00", datetime(2030, 1, 31, 10, tzinfo=UTC)),
        ("2030-01-31T12:00:00.25-00:30", datetime(2030, 1, 31, 12, 30, 0, 250_000, tzinfo=UTC)),
        ("2030-01-31T12:00:00.123456789Z", datetime(2030, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)),
    ],
)
def test_a_time_sent_is_read_into_utc(text: str, time: datetime) -> None:
    assert TIME.validate_python(text) == time
    assert TIME.validate_python(text).tzinfo is UTC


@each_case(
    "value",
    [
        "2030-01-31T12:00:00",  # no offset
        "2030-01-31",
        "2030-02-30T12:00:00Z",
        "2030-13-01T12:00:00Z",
        "2030-01-31T24:00:00Z",
        "2030-01-31T12:00:00+25:00",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2030-01-31 12:00:00Z",
        "20300131T120000Z",
        "٢٠٣٠-01-31T12:00:00Z",
        "2030-01-31T12:00:00Z\n",
        "tomorrow",
        1893456000,
        1.5,
        True,
        ["2030-01-31T12:00:00Z"],
    ],
)
def test_a_malformed_time_is_refused_with_a_text(value: object) -> None:
    with pytest.raises(ValidationError) as refusal:
        TIME.validate_python(value)
    assert refusal.value.errors()[0]["msg"] == (
        "an RFC 3339 time with its offset, such as 2030-01-31T12:00:00Z"
    )


def test_an_answer_writes_times_in_utc_and_money_in_plain_digits() -> None:
    east = timezone(timedelta(hours=2))
    answer = Answer(at=datetime(2026, 11, 22, 14, tzinfo=east), price=Decimal("0.00050"))
    assert answer.model_dump_json() == '{"at":"2026-11-22T12:00:00Z","price":"0.0005"}'
    assert Answer(at=datetime.now(UTC), price=Decimal("1E+3")).model_dump(mode="json")["price"] == (
        "1000"
    )


def test_an_answer_takes_no_naive_time() -> None:
    with pytest.raises(ValidationError):
        Answer(at=datetime(2026, 11, 22, 14), price=Decimal(1))  # noqa: DTZ001


def test_money_is_documented_as_a_string_of_digits() -> None:
    schema = Answer.model_json_schema(mode="serialization")["properties"]
    assert schema["price"]["type"] == "string"
    assert schema["at"]["type"] == "string"
    assert schema["at"]["format"] == "date-time"


@each_case("email", ["a@b.c", "first.last+tag@example.org", "ä@exämple.org"])
def test_an_email_is_taken(email: str) -> None:
    assert Sent(email=email).email == email


@each_case(
    "email", ["a", "a@b", "a@@b.c", "a b@c.d", "a@b.c\n", "@b.c", "a@b." + "c" * 251, 5, True]
)
def test_what_is_no_email_is_refused(email: object) -> None:
    with pytest.raises(ValidationError, match="an e-mail address of at most 254 characters"):
        Sent.model_validate({"email": email})


@each_case("password", ["1234567", "x" * 257, "1234567\n", 12345678])
def test_what_is_no_password_is_refused(password: object) -> None:
    with pytest.raises(
        ValidationError, match="a string of 8 to 256 characters without control characters"
    ):
        Sent.model_validate({"password": password})
