"""Asking the chain whether AEON.to's word that it sent the bitcoin of an order is true."""

from decimal import Decimal

from app.orders.rules.settlement import Settlement, SettlementFault, Unverified, Verified
from app.orders.rules.states import OrderStatus
from app.partners.aeonto.report import Report
from app.partners.esplora.chain import (
    Chain,
    Disagree,
    NotYet,
    Paid,
    Unavailable,
    Verdict,
    Wrong,
)
from app.runtime.money import in_satoshi


async def settlement_of(
    chain: Chain | None,
    report: Report,
    *,
    btc_amount: Decimal,
    btc_dest_address: str,
    within_seconds: float,
) -> Settlement | None:
    """Return what the chain says of a report; None: there is nothing, or nobody, to ask.

    Amount and address are the order's own, and not the report's.
    """
    if chain is None or report.state != OrderStatus.BTC_SENT:
        return None
    if not report.btc_transaction_id:
        return Unverified(SettlementFault.UNVERIFIED, "AEON.to named no transaction")
    txid = report.btc_transaction_id.lower()
    verdict = await chain.settlement(
        txid, btc_dest_address, in_satoshi(btc_amount), within_seconds=within_seconds
    )
    return _settlement(txid, verdict)


def _settlement(txid: str, verdict: Verdict) -> Settlement:
    match verdict:
        case Paid(confirmations, outputs, is_coinbase):
            return Verified(txid, outputs, confirmations, is_coinbase)
        case NotYet(reason):
            return Unverified(SettlementFault.UNVERIFIED, reason)
        case Wrong(reason):
            return Unverified(SettlementFault.WRONG, reason)
        case Disagree(reason):
            return Unverified(SettlementFault.DISAGREE, reason)
        case Unavailable(reason):
            return Unverified(SettlementFault.UNAVAILABLE, reason)
