"""What the SANDBOX's controls need to know of an order, and the end of its time in bitcoin."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from sqlalchemy import text

from app.orders import service
from app.orders.rules.rails import Rail
from app.orders.wallet.wallet import Wallet
from app.runtime.db.engine import Database
from app.runtime.faults import OperatorFault
from app.runtime.money import SATOSHI

# The account key of the test vector of BIP 84, which publishes the seed words and the private key
# beside it: whoever can read can spend what is paid there. It must never be used for money.
SANDBOX_WALLET: Final = (
    "zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31mG"
    "DtKsAYz2oz2AGutZYs"
)
# The buyer's time is kept by Assay. It ends early only where nobody can have paid real money: at an
# address of the SANDBOX's wallet.
_END: Final = text("""
    UPDATE payments SET expires_at = :now,
        late_until = CASE WHEN :grace_too THEN :now ELSE late_until END
    FROM bitcoin_addresses
    WHERE payments.order_id = :order_id AND bitcoin_addresses.order_id = payments.order_id
        AND bitcoin_addresses.wallet_id = :wallet_id
    RETURNING payments.order_id""")


class NotInSandbox(OperatorFault):
    """The order is not one that the SANDBOX knows; the message says why."""


@dataclass(frozen=True)
class SandboxOrder:
    """An order, and where the SANDBOX has it: by AEON.to's uuid, or at an address of the chain.

    `missing_satoshi` is what is still to pay in bitcoin, as far as Assay has seen.
    """

    id: str
    rail: Rail
    uuid: str | None
    address: str | None
    missing_satoshi: int

    def known_uuid(self) -> str:
        """Return AEON.to's uuid. Raises NotInSandbox."""
        if self.rail is not Rail.AEONTO:
            raise NotInSandbox(f"{self.id} is paid in bitcoin: AEON.to knows nothing of it")
        if self.uuid is None:
            raise NotInSandbox(f"{self.id} is not known to AEON.to yet; try again in a second")
        return self.uuid

    def known_address(self) -> str:
        """Return the address in bitcoin. Raises NotInSandbox."""
        if self.rail is not Rail.BITCOIN:
            raise NotInSandbox(
                f"{self.id} is paid in AEON: its payment is not on the bitcoin chain"
            )
        if self.address is None:
            raise NotInSandbox(f"{self.id} is over for good: its address is watched no more")
        return self.address


async def read_order(database: Database, order_id: str) -> SandboxOrder:
    """Return an order of any account. Raises InvalidOrderId."""
    async with database.reading() as connection:
        order = await service.read_any(connection, order_id)
        uuid, _ = await service.upstream_of(connection, order_id)
    payment = order.payment
    received = (payment.received_btc if payment else None) or Decimal(0)
    return SandboxOrder(
        id=order.id,
        rail=order.rail,
        uuid=uuid,
        address=payment.bitcoin_address if payment else None,
        missing_satoshi=max(0, int((order.btc_amount - received) / SATOSHI)),
    )


async def end_time(database: Database, order_id: str, *, grace_too: bool) -> None:
    """Let the time to pay an order in bitcoin end now, and its grace time too if wished.

    Raises NotInSandbox for an order at another wallet than the SANDBOX's.
    """
    async with database.sessions() as session, session.begin():
        ended = await session.scalar(
            _END,
            {
                "now": database.clock.now(),
                "grace_too": grace_too,
                "order_id": order_id,
                "wallet_id": Wallet.from_text(SANDBOX_WALLET).wallet_id,
            },
        )
    if ended is None:
        raise NotInSandbox(f"{order_id} is not paid to the wallet of the SANDBOX")
