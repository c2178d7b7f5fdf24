"""A URL of PostgreSQL is read as libpq reads it, or refused by the parameter's name."""

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from app.runtime.db.urls import read_database_url
from tests.support.cases import each_case

# What libpq itself is asked about in the first test.
URLS = [
    "postgresql://",
    "postgres:///",
    "postgresql://h",
    "postgresql://u@",
    "postgresql://u:p%40%2F@db.example:5433/assay",
    "postgresql://u:p?a:b#c&d=e@h/db",
    "postgresql://u%40x:%C3%A9+%25@h/d%2Fb",
    "postgresql://[::1]:5433/db",
    "postgresql://[fe80::1%25eth0],h2:5/db",
    "postgresql://h1:1,h2:2,h3:3/db?target_session_attrs=read-write",
    "postgresql://u@%2Fvar%2Frun%2Fpg/db",
    "postgresql:///db?host=/run/pg&port=6543&user=u&password=p",
    "postgresql://h/db?host=other&dbname=more",
    "postgresql://h/db?options=-c%20search_path%3Dx&application_name=a+b",
    "postgresql://h/db?ssl=true",
    "postgresql://h/db?sslmode=verify-full&sslrootcert=/a%20b.pem&connect_timeout=3",
    "postgresql://:5433/db",
    "postgresql://u:@h/db",
    "postgresql://h/db?",
]


@each_case("url", URLS)
def test_url_is_read_as_libpq_reads_it(url: str) -> None:
    assert dict(read_database_url(url).parameters) == {
        name: value for name, value in conninfo_to_dict(url).items() if value
    }


@each_case(
    ("url", "words"),
    [
        ("mysql://h/db", "must be a postgres://"),
        ("postgresql://h:x/db", "port must be a whole number"),
        ("postgresql://h:0/db", "port must be a whole number"),
        ("postgresql://h:70000/db", "port must be a whole number"),
        ("postgresql://a,b/db?port=1,2,3", "port must name one port"),
        ("postgresql://a,,b/db", "host must be"),
        ("postgresql://[::1/db", "host must be"),
        ("postgresql://u:p%zz@h/db", "password has a %"),
        ("postgresql://u:p%00@h/db", "password has a %"),
        ("postgresql://u:%ff@h/db", "password is not UTF-8"),
        ("postgresql://h/db?sslmode=bogus", "sslmode must be one of"),
        ("postgresql://h/db?ssl=verify-full", "write sslmode"),
        ("postgresql://h/db?sslmode", "sslmode must be written NAME=VALUE"),
        ("postgresql://h/db?options=a=b", "options must be written NAME=VALUE"),
        ("postgresql://h/db?connect_timeout=soon", "connect_timeout must be"),
        ("postgresql://h/db?target_session_attrs=best", "target_session_attrs must be one of"),
        ("postgresql://h/db?channel_binding=require", "channel_binding must be one of"),
        ("postgresql://h/db?gssencmode=require", "gssencmode must be one of"),
        ("postgresql://h/db?service=x", "service is not supported"),
        ("postgresql://h/db?hostaddr=127.0.0.1", "hostaddr is not supported"),
        ("postgresql://h/db?keepalives=1", "keepalives is not supported"),
        ("postgresql://h/db?statement_cache_size=1", "statement_cache_size is not supported"),
        ("postgresql://h/db?sslrootcert=system&sslmode=require", "sslmode must be verify-full"),
    ],
)
def test_what_cannot_be_followed_is_refused_by_its_name(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_database_url(url)


def test_refusal_repeats_no_value() -> None:
    for url in ("postgresql://u:hunter2%@h/db", "postgresql://h/db?sslmode=hunter2"):
        with pytest.raises(ValueError, match=r"password|sslmode") as refused:
            read_database_url(url)
        assert "hunter2" not in str(refused.value)


def test_libpq_is_what_the_expectations_come_from() -> None:
    assert psycopg.pq.version() >= 170_000
