"""Which scope each endpoint asks of an API key; a new endpoint needs a line here."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from app.accounts.rules.key_limits import Need, Scope

_READS: Final[Mapping[Scope | None, tuple[str, ...]]] = {
    # Of events, a key reads those of what its scopes let it read (accounts/rules/event_scopes.py).
    None: ("check_self_status", "list_events", "follow_events"),
    Scope.ORDERS_READ: (
        "check_order_status",
        "list_orders",
        "get_order",
        "export_orders",
        "export_ledger",
        "order_parameters",
        "check_price",
        "list_ledger",
    ),
    Scope.ASSESSMENTS_READ: (
        "check_assessment_list_for_access_code",
        "list_assessments",
        "get_assessment",
        "export_assessments",
        "get_receipt",
        "get_report",
    ),
    Scope.CODES: ("check_access_code_status", "list_access_codes"),
    Scope.KEYS: ("list_api_keys",),
    Scope.WEBHOOKS: (
        "list_webhook_endpoints",
        "get_webhook_endpoint",
        "list_webhook_deliveries",
        "get_webhook_delivery",
    ),
}
_CHANGES: Final[Mapping[Scope | None, tuple[str, ...]]] = {
    None: ("logout",),
    Scope.ORDERS_WRITE: ("new_order", "cancel_order", "create_payment_page"),
    Scope.ASSESSMENTS_WRITE: (
        "create_new_assessment",
        "create_new_assessment_for_access_code",
        "create_new_assessments_for_access_code",
    ),
    Scope.CODES: (
        "create_access_code",
        "deactivate_access_code",
        "move_credits_to_access_code",
        "return_credits_of_access_code",
    ),
    Scope.KEYS: ("create_api_key", "revoke_api_key", "rotate_api_key", "change_password"),
    Scope.WEBHOOKS: (
        "create_webhook_endpoint",
        "change_webhook_endpoint",
        "delete_webhook_endpoint",
        "rotate_webhook_secret",
        "test_webhook_endpoint",
        "redeliver_webhooks",
    ),
}

# By the name of the function.
NEEDS: Final[Mapping[str, Need]] = MappingProxyType(
    {
        name: Need(scope, changes)
        for changes, table in ((False, _READS), (True, _CHANGES))
        for scope, names in table.items()
        for name in names
    }
)
