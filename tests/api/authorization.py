"""Who may do what, as data: docs tell it in words, this table generates the tests.

Objects: C is the caller's own access code or, for users, the one that the issuer issued; D is a
stranger's. "absent" never was. What a caller may not see must answer like what is absent.

    ok          done, with the endpoint's own success
    Inactive    done, and the answer says that the access code is inactive
    absent      refused as if it had never been
    no code     400, the endpoint's text for an access code that may not be used
    buyer only  403: somebody sees an order that another bought
    not its key 403: a key asked for a new secret of a key that it did not make
    users only  403: an access code asked for what only a user may do
    log in      403, the endpoint's text for missing credentials
    rotates     done by a session; 403 by a key that did not make it
    open        needs no caller: the body decides
"""

from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple


class Mark(StrEnum):
    """What becomes of a call."""

    OK = "ok"
    INACTIVE = "Inactive"
    ABSENT = "absent"
    NO_CODE = "no code"
    BUYER_ONLY = "buyer only"
    USERS_ONLY = "users only"
    NOT_ITS_KEY = "not its key"
    LOG_IN = "log in"
    ROTATES = "rotates"
    OPEN = "open"


class Cell(NamedTuple):
    """One call: an endpoint, about an object of somebody's, or about none."""

    operation: str
    about: str


# Columns: the issuer of C (by session and by key), a stranger who issued D (both ways), an access
# code by its key, and an access code that expired or was deactivated, by its key.
_TABLE: Final = """
                                                    issuer    stranger  code        inactive code
POST /api/new_order                          self | ok      | ok      | ok         | no code
POST /api/new_order                             C | ok      | ok      | ok         | no code
POST /api/new_order                             D | ok      | ok      | ok         | no code
POST /api/new_order                        absent | no code | no code | no code    | no code
POST /api/check_order_status                    C | ok      | absent  | ok         | ok
POST /api/check_order_status                    D | absent  | ok      | absent     | absent
POST /api/check_order_status               absent | absent  | absent  | absent     | absent
POST /api/check_access_code_status              C | ok      | absent  | ok         | Inactive
POST /api/check_access_code_status              D | absent  | ok      | absent     | absent
POST /api/check_access_code_status         absent | absent  | absent  | absent     | absent
POST /api/check_assessment_list_for_access_code C | ok      | absent  | ok         | ok
POST /api/check_assessment_list_for_access_code D | absent  | ok      | absent     | absent
GET /api/check_self_status                   self | ok      | ok      | ok         | Inactive
POST /api/create_new_assessment_for_access_code C | ok      | absent  | ok         | absent
POST /api/create_new_assessment_for_access_code D | absent  | ok      | absent     | absent
POST /api/create_new_assessments_for_access_code C | ok     | absent  | ok         | absent
POST /api/create_new_assessments_for_access_code D | absent | ok      | absent     | absent
POST /api/create_new_assessment              self | ok      | ok      | ok         | no code
GET /api/orders                              self | ok      | ok      | ok         | ok
GET /api/orders                                 C | ok      | absent  | ok         | ok
GET /api/orders                                 D | absent  | ok      | absent     | absent
GET /api/assessments                         self | ok      | ok      | ok         | ok
GET /api/assessments                            C | ok      | absent  | ok         | ok
GET /api/assessments                            D | absent  | ok      | absent     | absent
GET /api/assessments/{assessment_id}            C | ok      | absent  | ok         | ok
GET /api/assessments/{assessment_id}            D | absent  | ok      | absent     | absent
GET /api/assessments/{assessment_id}/receipt    C | ok      | absent  | ok         | ok
GET /api/assessments/{assessment_id}/receipt    D | absent  | ok      | absent     | absent
GET /api/assessments/{assessment_id}/report     C | ok      | absent  | ok         | ok
GET /api/assessments/{assessment_id}/report     D | absent  | ok      | absent     | absent
GET /api/orders/{order_id}                      C | ok      | absent  | ok         | ok
GET /api/orders/{order_id}                      D | absent  | ok      | absent     | absent
POST /api/orders/{order_id}/cancel              C | ok      | absent  | buyer only | buyer only
POST /api/orders/{order_id}/cancel              D | absent  | ok      | absent     | absent
POST /api/orders/{order_id}/payment_page        C | ok      | absent  | ok         | ok
POST /api/orders/{order_id}/payment_page        D | absent  | ok      | absent     | absent
GET /api/ledger                              self | ok      | ok      | ok         | ok
GET /api/ledger                                 C | ok      | absent  | ok         | ok
GET /api/ledger                                 D | absent  | ok      | absent     | absent
GET /api/orders/export                       self | ok      | ok      | ok         | ok
GET /api/orders/export                          C | ok      | absent  | ok         | ok
GET /api/orders/export                          D | absent  | ok      | absent     | absent
GET /api/assessments/export                  self | ok      | ok      | ok         | ok
GET /api/assessments/export                     C | ok      | absent  | ok         | ok
GET /api/assessments/export                     D | absent  | ok      | absent     | absent
GET /api/ledger/export                       self | ok      | ok      | ok         | ok
GET /api/ledger/export                          C | ok      | absent  | ok         | ok
GET /api/ledger/export                          D | absent  | ok      | absent     | absent
GET /api/events                              self | ok      | ok      | ok         | ok
GET /api/events                                 C | ok      | absent  | ok         | ok
GET /api/events                                 D | absent  | ok      | absent     | absent
GET /api/events/stream                       self | ok      | ok      | ok         | ok
GET /api/events/stream                          C | ok      | absent  | ok         | ok
GET /api/events/stream                          D | absent  | ok      | absent     | absent
GET /api/order_parameters                    self | ok      | ok      | ok         | ok
POST /api/check_price                        self | ok      | ok      | ok         | ok
GET /api/access_codes                        self | ok      | ok      | users only | users only
POST /api/access_codes                       self | ok      | ok      | users only | users only
POST /api/access_codes/{access_code}/deactivate C | Inactive | absent  | users only | users only
POST /api/access_codes/{access_code}/deactivate D | absent  | Inactive | users only | users only
POST /api/access_codes/{access_code}/credits    C | ok      | absent  | users only | users only
POST /api/access_codes/{access_code}/credits    D | absent  | ok      | users only | users only
POST /api/access_codes/{access_code}/credits/return C | ok  | absent  | users only | users only
POST /api/access_codes/{access_code}/credits/return D | absent | ok   | users only | users only
GET /api/api_keys                            self | ok      | ok      | ok         | ok
GET /api/api_keys                               C | ok      | absent  | ok         | ok
GET /api/api_keys                               D | absent  | ok      | absent     | absent
POST /api/api_keys                           self | ok      | ok      | ok         | no code
POST /api/api_keys                              C | ok      | absent  | ok         | no code
POST /api/api_keys                              D | absent  | ok      | absent     | no code
POST /api/api_keys/{prefix}/rotate              C | rotates | absent  | rotates    | no code
POST /api/api_keys/{prefix}/rotate              D | absent  | rotates | absent     | no code
DELETE /api/api_keys/{prefix}                   C | ok      | absent  | ok         | ok
DELETE /api/api_keys/{prefix}                   D | absent  | ok      | absent     | absent
POST /api/webhook_endpoints                  self | ok      | ok      | ok         | no code
GET /api/webhook_endpoints                   self | ok      | ok      | ok         | ok
GET /api/webhook_endpoints/{webhook_endpoint_id}           C | absent  | absent  | ok         | ok
GET /api/webhook_endpoints/{webhook_endpoint_id}           D | absent  | absent  | absent     | absent
PATCH /api/webhook_endpoints/{webhook_endpoint_id}         C | absent  | absent  | ok         | no code
PATCH /api/webhook_endpoints/{webhook_endpoint_id}         D | absent  | absent  | absent     | no code
DELETE /api/webhook_endpoints/{webhook_endpoint_id}        C | absent  | absent  | ok         | ok
DELETE /api/webhook_endpoints/{webhook_endpoint_id}        D | absent  | absent  | absent     | absent
POST /api/webhook_endpoints/{webhook_endpoint_id}/rotate_secret C | absent | absent | ok      | no code
POST /api/webhook_endpoints/{webhook_endpoint_id}/rotate_secret D | absent | absent | absent  | no code
POST /api/webhook_endpoints/{webhook_endpoint_id}/test     C | absent  | absent  | ok         | no code
POST /api/webhook_endpoints/{webhook_endpoint_id}/test     D | absent  | absent  | absent     | no code
POST /api/webhook_endpoints/{webhook_endpoint_id}/redeliver C | absent | absent  | ok         | no code
POST /api/webhook_endpoints/{webhook_endpoint_id}/redeliver D | absent | absent  | absent     | no code
GET /api/webhook_endpoints/{webhook_endpoint_id}/deliveries C | absent | absent  | ok         | ok
GET /api/webhook_endpoints/{webhook_endpoint_id}/deliveries D | absent | absent  | absent     | absent
GET /api/webhook_endpoints/{webhook_endpoint_id}/deliveries/{webhook_delivery_id} C | absent | absent | ok | ok
GET /api/webhook_endpoints/{webhook_endpoint_id}/deliveries/{webhook_delivery_id} D | absent | absent | absent | absent
POST /api/change_password                    self | ok      | ok      | users only | users only
POST /api/logout                             self | log in  | log in  | log in     | log in
POST /api/register                           self | open    | open    | open       | open
POST /api/login                              self | open    | open    | open       | open
"""

# Who is known: the way in, and the column above that it acts by.
KNOWN: Final = MappingProxyType(
    {
        "issuer by key": "issuer",
        "issuer by session": "issuer",
        "stranger by key": "stranger",
        "stranger by session": "stranger",
        "code by key": "code",
        "code by key beside the issuer's session": "code",
        "expired code by key": "inactive code",
        "deactivated code by key": "inactive code",
    }
)

# A session is what a logout ends, so that one with a session may.
MAY_LOG_OUT: Final = frozenset(
    {"issuer by session", "stranger by session", "code by key beside the issuer's session"}
)

# Who is refused everywhere but at the open endpoints, whatever the body.
REFUSED: Final = MappingProxyType(
    {
        "nobody": "log in",
        "a malformed session": "log in",
        "an unknown session": "log in",
        "an expired session": "log in",
        "a session that logged out": "log in",
        "a disabled user's session": "log in",
        "a key in the query string": "log in",
        "a key as bearer": "log in",
        "a malformed key": "invalid key",
        "an empty key": "invalid key",
        "a truncated key": "invalid key",
        "a key with a wrong checksum": "invalid key",
        "an unknown key": "invalid key",
        "a key with another's prefix": "invalid key",
        "a revoked key": "invalid key",
        "an expired key": "invalid key",
        "a disabled user's key": "invalid key",
        "a wrong key beside a valid session": "invalid key",
        "a key that is bound to nobody": "nobody's key",
        "a key that is bound to nobody beside a valid session": "nobody's key",
    }
)


def _read_table() -> dict[tuple[Cell, str], Mark]:
    header, *rows = _TABLE.strip("\n").splitlines()
    columns = ("issuer", "stranger", "code", "inactive code")
    if header.split() != " ".join(columns).split():
        raise ValueError("the table has other columns")
    marks = {}
    for row in rows:
        first, *cells = (part.strip() for part in row.split("|"))
        operation, _, about = first.rpartition(" ")
        for column, mark in zip(columns, cells, strict=True):
            marks[Cell(operation.strip(), about), column] = Mark(mark)
    return marks


MARKS: Final = MappingProxyType(_read_table())
CELLS: Final = tuple(dict.fromkeys(cell for cell, _ in MARKS))
OPERATIONS: Final = tuple(dict.fromkeys(cell.operation for cell in CELLS))
OPEN: Final = frozenset(cell.operation for (cell, _), mark in MARKS.items() if mark is Mark.OPEN)


def mark_of(cell: Cell, caller: str) -> Mark:
    """Say what becomes of a call by one of the KNOWN callers."""
    if cell.operation == "POST /api/logout" and caller in MAY_LOG_OUT:
        return Mark.OK
    mark = MARKS[cell, KNOWN[caller]]
    if mark is Mark.ROTATES:
        return Mark.OK if caller.endswith("by session") else Mark.NOT_ITS_KEY
    return mark


class Scoped(NamedTuple):
    """What an operation asks of an API key: a scope, if any, and whether it changes something."""

    scope: str | None
    changes: bool


# Which scope each operation asks for; `!` marks what a read-only key may not do.
_SCOPES: Final = """
POST /api/new_order                                    orders:write !
POST /api/check_order_status                           orders:read
GET /api/orders/{order_id}                             orders:read
POST /api/orders/{order_id}/cancel                     orders:write !
POST /api/orders/{order_id}/payment_page               orders:write !
GET /api/orders                                        orders:read
GET /api/orders/export                                 orders:read
GET /api/assessments/export                            assessments:read
GET /api/ledger/export                                 orders:read
GET /api/order_parameters                              orders:read
POST /api/check_price                                  orders:read
GET /api/ledger                                        orders:read
GET /api/events                                        none
GET /api/events/stream                                 none
POST /api/create_new_assessment_for_access_code        assessments:write !
POST /api/create_new_assessments_for_access_code       assessments:write !
POST /api/create_new_assessment                        assessments:write !
POST /api/check_assessment_list_for_access_code        assessments:read
GET /api/assessments                                   assessments:read
GET /api/assessments/{assessment_id}                   assessments:read
GET /api/assessments/{assessment_id}/receipt           assessments:read
GET /api/assessments/{assessment_id}/report            assessments:read
GET /api/check_self_status                             none
POST /api/logout                                       none !
POST /api/change_password                              keys !
POST /api/check_access_code_status                     codes
GET /api/access_codes                                  codes
POST /api/access_codes                                 codes !
POST /api/access_codes/{access_code}/deactivate        codes !
POST /api/access_codes/{access_code}/credits           codes !
POST /api/access_codes/{access_code}/credits/return    codes !
GET /api/api_keys                                      keys
POST /api/api_keys                                     keys !
POST /api/api_keys/{prefix}/rotate                     keys !
DELETE /api/api_keys/{prefix}                          keys !
GET /api/webhook_endpoints                             webhooks
POST /api/webhook_endpoints                            webhooks !
GET /api/webhook_endpoints/{webhook_endpoint_id}                  webhooks
PATCH /api/webhook_endpoints/{webhook_endpoint_id}                webhooks !
DELETE /api/webhook_endpoints/{webhook_endpoint_id}               webhooks !
POST /api/webhook_endpoints/{webhook_endpoint_id}/rotate_secret   webhooks !
POST /api/webhook_endpoints/{webhook_endpoint_id}/test            webhooks !
POST /api/webhook_endpoints/{webhook_endpoint_id}/redeliver       webhooks !
GET /api/webhook_endpoints/{webhook_endpoint_id}/deliveries       webhooks
GET /api/webhook_endpoints/{webhook_endpoint_id}/deliveries/{webhook_delivery_id} webhooks
"""


def _read_scopes() -> dict[str, Scoped]:
    scopes = {}
    for row in _SCOPES.strip().splitlines():
        method, path, scope, *mark = row.split()
        scopes[f"{method} {path}"] = Scoped(None if scope == "none" else scope, mark == ["!"])
    return scopes


SCOPES: Final = MappingProxyType(_read_scopes())
