"""The tables. Importing this package registers all of them on `Base.metadata`."""

from app.accounts.models.access_codes import AccessCode
from app.accounts.models.api_keys import ApiKey
from app.accounts.models.failed_attempts import FailedAttempts
from app.accounts.models.sessions import LoginSession
from app.accounts.models.users import User
from app.assessments.models.assessments import Assessment
from app.assessments.models.list_reviews import AssessmentChange, ListReview
from app.assessments.models.receipt_keys import ReceiptKey
from app.events.models import AccountEvent, Event
from app.ledger.models.accounts import Account
from app.ledger.models.audit_log import AuditLine
from app.ledger.models.entries import LedgerEntry
from app.lists.models import ImportedVersion, ListEntry
from app.orders.models.aeonto_parameters import AeontoParameters
from app.orders.models.bitcoin_addresses import BitcoinAddress, BitcoinCheck, BitcoinWallet
from app.orders.models.bitcoin_outputs import BitcoinOutput
from app.orders.models.order_events import OrderEvent
from app.orders.models.orders import Order
from app.orders.models.payment_pages import PaymentPage
from app.orders.models.payments import Payment
from app.orders.models.settlements import SettledOutput
from app.runtime.models.idempotency_keys import IdempotencyKey
from app.runtime.models.loop_beats import LoopBeat
from app.runtime.rate_limit.models import UpstreamLimit
from app.webhooks.models import WebhookDelivery, WebhookEndpoint

__all__ = [
    "AccessCode",
    "Account",
    "AccountEvent",
    "AeontoParameters",
    "ApiKey",
    "Assessment",
    "AssessmentChange",
    "AuditLine",
    "BitcoinAddress",
    "BitcoinCheck",
    "BitcoinOutput",
    "BitcoinWallet",
    "Event",
    "FailedAttempts",
    "IdempotencyKey",
    "ImportedVersion",
    "LedgerEntry",
    "ListEntry",
    "ListReview",
    "LoginSession",
    "LoopBeat",
    "Order",
    "OrderEvent",
    "Payment",
    "PaymentPage",
    "ReceiptKey",
    "SettledOutput",
    "UpstreamLimit",
    "User",
    "WebhookDelivery",
    "WebhookEndpoint",
]
