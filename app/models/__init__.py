"""The tables. Importing this package registers all of them on `Base.metadata`."""

from app.models.access_codes import AccessCode
from app.models.accounts import Account
from app.models.aeonto_parameters import AeontoParameters
from app.models.api_keys import ApiKey
from app.models.assessments import Assessment
from app.models.audit_log import AuditLine
from app.models.bitcoin_addresses import BitcoinAddress, BitcoinCheck, BitcoinWallet
from app.models.bitcoin_outputs import BitcoinOutput
from app.models.failed_attempts import FailedAttempts
from app.models.idempotency_keys import IdempotencyKey
from app.models.ledger import LedgerEntry
from app.models.list_reviews import AssessmentChange, ListReview
from app.models.lists import ImportedVersion, ListEntry
from app.models.loop_beats import LoopBeat
from app.models.order_events import OrderEvent
from app.models.orders import Order
from app.models.payments import Payment
from app.models.receipt_keys import ReceiptKey
from app.models.sessions import LoginSession
from app.models.settlements import SettledOutput
from app.models.upstream_limits import UpstreamLimit
from app.models.users import User

__all__ = [
    "AccessCode",
    "Account",
    "AeontoParameters",
    "ApiKey",
    "Assessment",
    "AssessmentChange",
    "AuditLine",
    "BitcoinAddress",
    "BitcoinCheck",
    "BitcoinOutput",
    "BitcoinWallet",
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
    "ReceiptKey",
    "SettledOutput",
    "UpstreamLimit",
    "User",
]
