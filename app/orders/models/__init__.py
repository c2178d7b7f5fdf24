"""The tables of `orders`."""

from app.orders.models.aeonto_parameters import AeontoParameters
from app.orders.models.bitcoin_addresses import BitcoinAddress, BitcoinCheck, BitcoinWallet
from app.orders.models.bitcoin_outputs import BitcoinOutput
from app.orders.models.order_events import OrderEvent
from app.orders.models.orders import Order
from app.orders.models.payment_pages import PaymentPage
from app.orders.models.payments import Payment
from app.orders.models.settlements import SettledOutput

__all__ = [
    "AeontoParameters",
    "BitcoinAddress",
    "BitcoinCheck",
    "BitcoinOutput",
    "BitcoinWallet",
    "Order",
    "OrderEvent",
    "Payment",
    "PaymentPage",
    "SettledOutput",
]
