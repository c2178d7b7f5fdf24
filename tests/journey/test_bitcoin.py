"""What a newcomer sees who pays in bitcoin, on an `assay dev` that was never started before."""

import io
import signal

from rich.console import Console

from app.cli.demo import Coin, Journey
from tests.journey.buyer import Buyer
from tests.support.processes import Process

# As the Credits API, section 1, prints it, with the one field that it does not need.
EXAMPLE = {
    "number_of_credits": 10,
    "payment_coin": "Bitcoin",
    "payment_network": "BTC",
    "order_is_for_self": True,
    "access_code": "Zk3v9QxT1mB7sWcE",
}


async def test_example_of_the_specification_and_the_demo_are_paid_confirmed_and_credited(
    dev: tuple[Process, str],
) -> None:
    process, url = dev
    process.start()
    await process.until_ready(f"{url}/readyz")
    buyer = Buyer(url)
    await buyer.sign_up()
    placed = await buyer.post("new_order", EXAMPLE)
    assert placed["status"] == "UNPAID"
    assert placed["payment"]["uri"].startswith(f"bitcoin:{placed['payment']['address']}?amount=")

    printed = io.StringIO()
    outcome = await Journey(url, Console(file=printed, width=200), Coin.BTC).perform()
    assert outcome is not None, printed.getvalue()
    shown = printed.getvalue()
    assert "or open  bitcoin:bc1q" in shown
    assert "received  0.005 BTC, confirmations" in shown
    assert "UNPAID -> PAID_UNCONFIRMED -> PAID" in shown
    assert "is PAID, credits 9, assessment ready" in shown

    # Placed before the demo's order, and paid before it.
    await buyer.wait_until(placed["order_id"], lambda order: order["status"] == "PAID")
    paid = await buyer.post("check_order_status", {"order_id": placed["order_id"]})
    assert paid["credits_granted"] == await buyer.own_credits() == 10
    assert paid["payment"]["amount_received"] == paid["payment"]["amount_total"] == "0.005"
    assert paid["payment"]["confirmations_seen"] >= paid["payment"]["confirmations_wanted"] == 2
    assert len(paid["payment"]["transactions"]) == 1
    assert process.run_json("audit")["breaches"] == []
    assert process.end(signal.SIGTERM) == 0
