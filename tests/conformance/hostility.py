"""Hostile requests from a fixed seed: a good request of each operation, spoiled in known ways."""

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from tests.conformance.asgi import Header, HttpRequest

# Stands in every text that a hostile request sends: no refusal and no log may repeat it.
CANARY: Final = "Canary7hostile3Echo"
JSON_TYPE: Final[Header] = (b"content-type", b"application/json")

_DIGITS: Final = "9" * 5000
NUMBERS: Final = (
    *("true", "false", "null", "1.0", "1e3", "1.5", '"1"', "0", "-1", "-0", "2147483648"),
    *("9223372036854775808", "1" + "0" * 30, _DIGITS, "-" + _DIGITS, f"0.{_DIGITS}", "NaN"),
    *("Infinity", "-Infinity", "1e999", "-1e999", "1e-999", "[]", "{}", "1000000000"),
    *("1000000001", "0x10", "010", "+1", ".5", "1.", "1_000", "\uff11", '"\uff11\uff10"'),
)
_LETTERS: Final = (
    *("\\u0000", "\x00", "\\ud800", "\\udfff", "\\udc00\\ud800", "\\ud83d\\ude00", "\\uffff"),
    *("\uff21\uff22", "\u0410", "\u200b", "\u202e", "e\u0301", "\u2028", "\ufeff", "\u00df"),
    *("\\r\\nSet-Cookie: a=b", "\\n", "\\t", "\r\n", "\x1b[31m", "\\u007f", "\x85", " ", ""),
    *("' OR 1=1--", "'; DROP TABLE orders;--", "\\\\", '\\"', "$(id)", "${jndi:ldap://x}"),
    *("{{7*7}}", "../../etc/passwd", "<script>alert(1)</script>", "%00", "%s%n", "x" * 10_000),
)
_SHAPES: Final = (
    f'["{CANARY}"]',
    f'{{"{CANARY}": 1}}',
    "[[[]]]",
    "[null, null]",
    f'[{{"$ne": "{CANARY}"}}]',
    "[" + ",".join(["1"] * 1001) + "]",
    "[" + ",".join([f'"{CANARY}"'] * 1001) + "]",
)
_EXTRA: Final = (
    *("status", "price", "price_btc", "account_id", "credits_granted", "credits_granted_at"),
    *("id", "order_id", "balance", "credits_available", "amount", "is_admin", "role", "kind"),
    *("__proto__", "constructor", "__class__", "detail", "code", "headers", "member", "\\u0061"),
)
_CONTENT_TYPES: Final = (
    *(
        b"text/plain",
        b"",
        b"application/x-www-form-urlencoded",
        b"application/json; charset=utf-16",
    ),
    *(b"application/jsonx", b"application/vnd.api+json", b"*/*", b"application/json, text/plain"),
    *(b"multipart/form-data; boundary=x", b"application/json;;;=", b"\xff\xfe", b"json" * 5000),
)
_HEADERS: Final = (
    *(
        (b"content-encoding", value)
        for value in (b"gzip", b"br", b"deflate", b"\xff", b"gzip, gzip")
    ),
    *((b"content-length", value) for value in (b"99999999", b"9" * 5000, b"-1", b"0x10", b"1e9")),
    *((b"x-request-id", value) for value in (b"\xff", b"a b", b"x" * 5000, b"a\tb", b"")),
    *((b"x-forwarded-for", value) for value in (b"127.0.0.1", b"::1, \xff", b"," * 5000)),
    *((b"host", value) for value in (b"", b"evil.example", b"\xff", b"a" * 5000, b"[::1")),
    *((b"cookie", value) for value in (b"session=1", b"=;=;=", b"\xff" * 100)),
    *((b"accept", value) for value in (b"text/html", b"application/problem+json", b"\xff/\xff")),
    *(
        (b"authorization", value)
        for value in (b"Basic YTpi", b"Bearer", b"Bearer \xff", b"Bearer  ")
    ),
    *((b"x-http-method-override", value) for value in (b"DELETE", b"TRACE")),
    *((b"transfer-encoding", b"chunked"), (b"expect", b"100-continue"), (b"upgrade", b"websocket")),
    *((b"idempotency-key", value) for value in (b"\xff", b"k" * 5000, b"")),
    *((b"origin", b"null"), (b"forwarded", b"for=1;proto=\xff"), (b"x" * 5000, b"y" * 5000)),
)
_QUERIES: Final = (
    *(b"limit=0", b"limit=101", b"limit=-1", b"limit=1.0", b"limit=1e1", b"limit=true", b"limit="),
    *(b"limit=" + b"9" * 5000, b"limit=%00", b"limit=%EF%BC%91", b"limit=1&limit=x", b"limit=NaN"),
    *(b"cursor=", b"cursor=%00", b"cursor=%ff", b"cursor=====", b"cursor=" + b"A" * 9000),
    *(b"cursor=MTAwMCBvcmQ", b"cursor=LTk5OTk5OTk5OTk5OTk5OTk5OTkgYQ", b"cursor=MSAA"),
    *(
        b"cursor=MSAn",
        b"cursor=OTk5OTk5OTk5OTk5OTk5OTk5IGE",
        b"cursor=%F0%9F%98%80",
        b"cursor=a&cursor=b",
    ),
    *(b"%00", b"%ff=%ff", b"=", b"&&&", b"a[]=1", b"x-api-key=1", b"access_code=" + b"a" * 9000),
    *(b"\xff\xfe", b"%", b"%zz", b";"),
)
_SEGMENTS: Final = (
    *(
        "%00",
        "%ff",
        "%C0%80",
        "%2e%2e%2f",
        "..%2f..%2f",
        "%0d%0a",
        "a" * 9000,
        "'",
        "%27%20OR%201=1--",
    ),
    *(
        "%F0%9F%98%80",
        "%ED%A0%80",
        "%EF%BC%A1" * 16,
        "%D0%90" * 16,
        ";x=1",
        "%3Fx",
        "%23",
        "*",
        "-1",
    ),
    *("null", "0", "%20", "a%20", "%25", "%7B%7D", "A" * 16, "A" * 17, "A" * 10, "%2F"),
)
_SUFFIXES: Final = (
    *("/", "//", "%00", "%ff", "/%2e%2e", ";x", ".json", "%20", "/x", "?", "%0d%0aX:%20y"),
    *("a" * 9000, "/" + "a/" * 500, "%2F", "%5C", "~"),
)
_METHODS: Final = (
    "GET",
    "HEAD",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "POST",
    "X" * 99,
)


# No body of these kinds is one JSON object, plainly sent: no operation takes it.
NEVER_ACCEPTED: Final = frozenset(
    {"repeated", "nested", "cut", "encoded", "replaced", "content type"}
)


@dataclass(frozen=True)
class Operation:
    """An operation of the OpenAPI document, and a good request of it."""

    operation_id: str
    method: str
    path: str
    statuses: frozenset[int]
    public: bool
    good_body: Mapping[str, Any] | None


@dataclass
class Attack:
    """A hostile request, and what about its place of arrival is not the operation's own."""

    request: HttpRequest
    kind: str
    elsewhere: bool = False  # the path or the method is another
    caller: str = field(default="")


def operations_of(document: Mapping[str, Any], known: Mapping[str, Any]) -> list[Operation]:
    """Read the operations; `known` has values for their parameters, else the examples serve."""
    return [
        Operation(
            operation["operationId"],
            method.upper(),
            path,
            frozenset(int(status) for status in operation["responses"]),
            operation["security"] == [],
            _good_body(document, operation, known),
        )
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def _good_body(
    document: Mapping[str, Any], operation: Mapping[str, Any], known: Mapping[str, Any]
) -> dict[str, Any] | None:
    if "requestBody" not in operation:
        return None
    reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    properties = document["components"]["schemas"][reference.rpartition("/")[2]]["properties"]
    return {name: known.get(name, schema["examples"][0]) for name, schema in properties.items()}


class Attacker:
    """Makes attacks on one operation; the same ones for the same operation."""

    def __init__(self, operation: Operation, path_parameter: str) -> None:
        self._operation = operation
        self._path_parameter = path_parameter
        self._random = random.Random(operation.operation_id)  # noqa: S311  it must replay
        self._kinds: list[Callable[[HttpRequest], str]] = [
            self._spoil_header, self._spoil_query, self._spoil_path, self._spoil_method,
        ]  # fmt: skip
        if operation.good_body is not None:
            bodies = (
                self._spoil_field, self._add_field, self._repeat_key, self._nest, self._cut,
                self._flip_bits, self._encode, self._replace_body, self._swell, self._spoil_type,
            )  # fmt: skip
            # Fields are what most attackers try, and where most can go wrong.
            self._kinds += [*bodies, *[self._spoil_field] * 6]

    def attack(self) -> Attack:
        """Make the next attack."""
        request = self._good_request()
        kind = self._random.choice(self._kinds)(request)
        return Attack(request, kind, elsewhere=kind in ("path", "method"))

    def _good_request(self) -> HttpRequest:
        path = self._operation.path
        if "{" in path:
            head, _, tail = path.partition("{")
            path = head + self._path_parameter + tail.partition("}")[2]
        request = HttpRequest(self._operation.method, path)
        if self._operation.good_body is not None:
            request.headers.append(JSON_TYPE)
            request.chunks.append(_join(self._members()))
        return request

    def _members(self) -> list[tuple[str, str]]:
        body = self._operation.good_body or {}
        return [(json.dumps(name), json.dumps(value)) for name, value in body.items()]

    def _value(self) -> str:
        letters = self._random.choice(_LETTERS)
        texts = (f'"{letters}{CANARY}"', f'"{CANARY}{letters}"')
        return self._random.choice(self._random.choice((NUMBERS, _SHAPES, texts)))

    def _spoil_field(self, request: HttpRequest) -> str:
        members = self._members()
        place = self._random.randrange(len(members))
        members[place] = (members[place][0], self._value())
        request.chunks = [_join(members)]
        return "field"

    def _add_field(self, request: HttpRequest) -> str:
        name = self._random.choice(_EXTRA)
        request.chunks = [_join([*self._members(), (f'"{name}"', self._value())])]
        return "extra"

    def _repeat_key(self, request: HttpRequest) -> str:
        members = self._members()
        name, value = self._random.choice(members)
        if self._random.random() < 0.5:
            name = f'"\\u{ord(name[1]):04x}{name[2:]}'
        members.insert(self._random.randrange(len(members) + 1), (name, value))
        request.chunks = [_join(members)]
        return "repeated"

    def _nest(self, request: HttpRequest) -> str:
        depth = self._random.choice((17, 100, 1000, 2700))
        opened, closed = self._random.choice((("[", "]"), ('{"a":', "}")))
        nested = opened * depth + "1" + closed * depth
        bodies = [nested, opened * depth, _join([*self._members(), ('"a"', nested)]).decode()]
        request.chunks = [self._random.choice(bodies).encode()]
        return "nested"

    def _cut(self, request: HttpRequest) -> str:
        body = request.chunks[0]
        request.chunks = [body[: self._random.randrange(len(body))]]
        return "cut"

    def _flip_bits(self, request: HttpRequest) -> str:
        body = bytearray(request.chunks[0])
        for _ in range(self._random.randrange(1, 4)):
            body[self._random.randrange(len(body))] ^= 1 << self._random.randrange(8)
        at = self._random.randrange(len(body))
        request.chunks = [bytes(body[:at]), bytes(body[at:])]
        return "flipped"

    def _encode(self, request: HttpRequest) -> str:
        text = request.chunks[0].decode()
        encoding = self._random.choice(("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "cp037"))
        request.chunks = [text.encode(encoding)]
        return "encoded"

    def _replace_body(self, request: HttpRequest) -> str:
        good = request.chunks[0]
        request.chunks = [
            self._random.choice(
                (
                    b"", b" ", b"null", b"[]", b"[null, null]", b"1", b'"x"', b"true", b"{",
                    good + good, good + b"x", b"[" + good + b"]", b"a=1&b=2", b"<a/>", b"\x00",
                    self._random.randbytes(self._random.randrange(1, 2000)),
                    b"\x1f\x8b\x08\x00" + self._random.randbytes(50),
                )
            )
        ]  # fmt: skip
        return "replaced"

    def _swell(self, request: HttpRequest) -> str:
        size = self._random.choice((16 * 1024, 300 * 1024))
        request.chunks += [b" " * 4096] * (size // 4096)
        return "large"

    def _spoil_type(self, request: HttpRequest) -> str:
        request.headers.remove(JSON_TYPE)
        for _ in range(self._random.randrange(3)):
            request.headers.append((b"content-type", self._random.choice(_CONTENT_TYPES)))
        return "content type"

    def _spoil_header(self, request: HttpRequest) -> str:
        for _ in range(self._random.randrange(1, 4)):
            request.headers.append(self._random.choice(_HEADERS))
        return "header"

    def _spoil_query(self, request: HttpRequest) -> str:
        request.query = b"&".join(self._random.choices(_QUERIES, k=self._random.randrange(1, 3)))
        return "query"

    def _spoil_path(self, request: HttpRequest) -> str:
        if "{" in self._operation.path and self._random.random() < 0.7:
            segment = self._random.choice(_SEGMENTS)
            request.path = request.path.replace(self._path_parameter, segment)
        else:
            request.path += self._random.choice(_SUFFIXES).replace("?", quote("?"))
        return "path"

    def _spoil_method(self, request: HttpRequest) -> str:
        request.method = self._random.choice(
            [method for method in _METHODS if method != self._operation.method]
        )
        return "method"


def _join(members: list[tuple[str, str]]) -> bytes:
    return ("{" + ", ".join(f"{name}: {value}" for name, value in members) + "}").encode(
        "utf-8", "surrogatepass"
    )
