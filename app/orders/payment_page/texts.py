"""Every text of the payment page, in English: the one catalogue, by key.

Another language is another mapping with the same keys and the same names in braces. Templates and
the script of the page hold no sentence of their own.
"""

from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

ENGLISH: Final = MappingProxyType(
    {
        # The page
        "language": "en",
        "title": "{headline} · order {order_id}",
        "heading": "Payment for {credits} credits",
        "heading_one": "Payment for 1 credit",
        "order": "Order",
        "progress": "Progress of the payment",
        "how_to_pay": "How to pay",
        "amount": "Amount",
        "amount_left": "Amount still to pay",
        "address": "Address",
        "copy": "Copy",
        "copy_amount": "Copy the amount",
        "copy_address": "Copy the address",
        "copy_plain_address": "Copy the address without a payment ID",
        "copy_payment_id": "Copy the payment ID",
        "copied": "Copied",
        "not_copied": "Not copied: select the text and copy it",
        "qr": "QR code of the payment request: amount and address",
        "open_wallet": "Open in a wallet",
        "time_left": "Time left",
        "pay_until": "to pay, until {time}",
        "other_wallet": "My wallet asks for a payment ID",
        "other_wallet_help": "The address above has the payment ID in it: use it alone if your wallet"
        " takes it. If it does not, use this address and this payment ID, both of them. Coins that"
        " come without the payment ID are lost.",
        "plain_address": "Address without a payment ID",
        "payment_id": "Payment ID",
        "arrived": "What has arrived",
        "transaction": "Transaction",
        "confirmations": "Confirmations",
        "gone": "no longer on the chain",
        "back": "Back to {host}",
        "print": "Print the receipt",
        "refresh": "Refresh this page",
        "no_script": "This page is loaded anew by itself, to show what has changed.",
        "lost_contact": "This page has no contact to the server, and tries again by itself.",
        "link_ends": "This link works until {time}.",
        # The steps
        "step_waiting": "Waiting for payment",
        "step_part_paid": "Part paid",
        "step_seen": "Payment seen",
        "step_confirming": "Confirming",
        "step_confirming_of": "Confirming {seen} of {wanted}",
        "step_adding": "Adding credits",
        "step_credited": "Credits added",
        "done": "done",
        # Before the payment is there
        "preparing": "Preparing the payment",
        "preparing_why": "The address to pay to is being made. It takes some seconds, and is shown"
        " here by itself.",
        "waiting": "Waiting for payment",
        "waiting_how": "Send exactly {amount} {coin} to the address below. Your wallet adds the fee"
        " of the network to it.",
        "part_paid": "A part of the payment has arrived",
        "part_paid_of": "{received} of {total} {coin} have arrived.",
        "part_paid_rest": "Send the rest, {amount} {coin}, to the address below.",
        # After it
        "seen": "Payment seen",
        "seen_why": "All of it is there, and not confirmed yet. There is nothing more to do: do not"
        " pay again.",
        "confirming": "Confirming the payment",
        "confirming_of": "Confirming the payment: {seen} of {wanted}",
        "confirming_left_one": "One more confirmation is needed.",
        "confirming_left": "{left} more confirmations are needed.",
        "confirming_why": "There is nothing more to do: do not pay again.",
        "confirming_late": "The time to pay ended at {time}. If the payment was complete only after"
        " that, it buys credits at the price of its day.",
        "confirming_excess": "{excess} {coin} more than asked for have arrived. Whole credits are"
        " added for them as well.",
        "confirming_excess_back": "{excess} {coin} more than asked for have arrived. Ask the seller"
        " to send them back, and name order {order_id}.",
        "paid": "Payment confirmed",
        "paid_why": "Your credits are added within minutes. There is nothing more to do.",
        "credited": "{credits} credits added",
        "credited_one": "1 credit added",
        "credited_why": "The payment is complete. There is nothing more to do.",
        "credited_given": "The seller added them. There is nothing more to do.",
        "credited_other": "{ordered} were ordered. The payment bought {credits}, at {price} {coin}"
        " each.",
        "credited_late": "The payment was complete only after {time}, so that it bought {credits}"
        " credits at the price of its day, {price} {coin} each; {ordered} were ordered.",
        "credited_excess": "{excess} {coin} were paid that bought no credits. Ask the seller to send"
        " them back, and name order {order_id}.",
        "credited_gone": "A payment that was seen is no longer on the chain. The credits were added"
        " before. The seller may ask you about it: do not pay again by yourself.",
        # What went another way
        "replaced": "A payment has vanished",
        "replaced_why": "It was seen, and is no longer on the chain: it was replaced, spent"
        " elsewhere, or its block was dropped.",
        "replaced_wait": "Do not pay a second time now. If it does not come back within ten minutes,"
        " this page asks for another payment.",
        "replaced_pay": "If you did not replace it yourself, send {amount} {coin} to the address"
        " below. If you did, the new payment is shown here as soon as it is seen.",
        "timed_out": "The time to pay is over",
        "timed_out_next": "Do not pay this order any more. Ask the seller for a new one.",
        "cancelled": "This order was cancelled",
        "cancelled_next": "Do not pay it any more. Ask the seller for a new one.",
        "failed": "This order failed",
        "failed_next": "Do not pay it any more. Ask the seller for a new one.",
        "failed_refused": "The amount of this order was refused by AEON.to.",
        "failed_deadline": "AEON.to did not accept this order in time.",
        "failed_closed": "The seller closed this order.",
        "unknown": "The payment is not known any more",
        "unknown_next": "AEON.to, which takes the payment, does not know this order any more. Do not"
        " pay it. Ask the seller for a new one.",
        "over_never_asked": "Nobody was told where to pay it.",
        "over_received": "{received} {coin} have arrived, and bought nothing so far. Ask the seller to"
        " send them back, and name order {order_id}.",
        "over_late_aeonto": "If you have paid already, wait: AEON.to decides whether it honours a late"
        " payment. Only if it does, the credits are added and this page says so. If it does not, ask"
        " the seller to help, and name order {order_id}.",
        "over_late_in_grace": "If you have paid already, wait: once {total} {coin} in all have come by"
        " {time}, {credits} credits are added. What comes later buys at the price of its day.",
        "over_late_today": "If you have paid already, wait: once {total} {coin} in all have come, they"
        " buy what they are worth then. Today that is {credits} of {ordered} credits, at {price}"
        " {coin} each.",
        "over_late_nothing": "A payment that still comes buys nothing. If you have paid already, ask"
        " the seller to send it back, and name order {order_id}.",
        # The receipt
        "receipt": "Receipt of payment",
        "receipt_credits": "Credits",
        "receipt_added_at": "Added at",
        "receipt_paid": "Paid",
        "receipt_to": "Paid to",
        "receipt_ordered_at": "Ordered at",
        "no_receipt": "This is no receipt: the credits are not added yet.",
        # What is no page of an order
        "invalid": "This link is not valid",
        "invalid_why": "It is over, or was not copied as a whole. Ask whoever gave it to you for a"
        " new one.",
        "away": "Not available at the moment",
        "away_why": "Nothing is lost. This page tries again by itself; a payment that you have sent"
        " is seen all the same.",
    }
)


def text(key: str, **values: object) -> str:
    """Return the text of a key with its values in place. Raises KeyError for one that is not there."""
    return ENGLISH[key].format(**values)


def time_words(at: datetime) -> str:
    """Write a time as the page shows it: in UTC, to the minute."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
