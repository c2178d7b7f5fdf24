from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast
import datetime

if TYPE_CHECKING:
    from ..models.late_payment import LatePayment
    from ..models.payment_transaction import PaymentTransaction


T = TypeVar("T", bound="PaymentResponse")


@_attrs_define
class PaymentResponse:
    """How to pay, and what has arrived. Amounts are in the coin that the order is paid in.

    Every field follows from the status. What belongs to the other rail, is not known, or holds no
    longer is null.

        Attributes:
            rail (str): How the money of an order travels. One of: `aeonto`, `bitcoin`. More words may come: handle one that
                you do not know (docs/versioning.md).
            state (str): How far an order is: AEON.to's words, and `FAILED` and `CANCELLED`. `settled` says whether that is
                final: `true`, with its credits, `false`, without, or null, not yet. What is `false` only an operator
                can still change.

                | status | means | `settled` in AEON | `settled` in bitcoin | ask again after |
                |---|---|---|---|---|
                | `TO_BE_CREATED` | AEON.to has not accepted it yet | null | does not occur | 5 s |
                | `UNPAID` | it waits for the payment | null | null | 5 s |
                | `UNDERPAID` | a part of the price has come | null | null | 5 s |
                | `PAID_UNCONFIRMED` | all has come, and waits for confirmations | null | null | 10 s |
                | `PAID` | all is confirmed | null; `true` where the server grants credits here | `true` | 10 s; once `true`, no
                more |
                | `BTC_SENT` | AEON.to has paid the merchant | `true` | does not occur | no more |
                | `TIMED_OUT` | the time to pay is over | null for 24 hours, in which AEON.to may honour a late payment; then
                `false` | null: what comes later buys credits, until `payment.late_until` at the price of the order | 1 min for
                half an hour, then 1 h |
                | `NOT_FOUND` | AEON.to no longer knows it | null for 24 hours; then `false` | does not occur | 1 h |
                | `FAILED` | AEON.to refused it, or an operator closed it | `false` | `false` | no more |
                | `CANCELLED` | its buyer cancelled it | `false` if AEON.to had not accepted it, else as `TIMED_OUT` | as
                `TIMED_OUT` | 1 h |
                 One of: `TO_BE_CREATED`, `UNPAID`, `UNDERPAID`, `PAID_UNCONFIRMED`, `PAID`, `BTC_SENT`, `TIMED_OUT`,
                `NOT_FOUND`, `FAILED`, `CANCELLED`. More words may come: handle one that you do not know (docs/versioning.md).
            pay_to (None | str): Pay here, and nowhere else: in AEON the integrated address, in bitcoin the address; null
                when the order is not to be paid now
            address (None | str): In bitcoin, the address of the order. In AEON, coins sent here are lost unless the long
                payment id goes with them: use `pay_to`
            payment_id_long (None | str): In AEON, what must go with a payment to `address`
            integrated_address (None | str): In AEON, the address of the order, with the short payment id in it
            payment_id_short (None | str):
            amount_total (None | str): The price of the order; null once it holds no longer
            amount_received (None | str): In bitcoin, what has arrived, unconfirmed money included; null when it cannot be
                known: in AEON always, in bitcoin while `vanished`
            amount_remaining (None | str): What is still to pay now; 0 when all is paid, null when it is not to be paid
            uri (None | str): For wallets and QR codes: where to pay, and the remaining amount; null when the order is not
                to be paid now
            expires_at (datetime.datetime | None): When the payment must have arrived
            seconds_left (int | None): To pay, until `expires_at`; 0 when it is over, null when it was paid
            late_until (datetime.datetime | None): In bitcoin, until when a late payment still buys at the price of the
                order; null in AEON, where AEON.to decides
            late_payment (LatePayment | None): What a payment would buy that comes although the order is over; null while it
                is not
            vanished (bool): In bitcoin, the chain no longer shows money that brought the order into its status;
                `transactions` says which
            confirmations_remaining (int | None): Confirmations that a payment which is all there still waits for
            confirmations_wanted (int | None): In bitcoin, how many the amount needs
            confirmations_seen (int | None): In bitcoin, how many the amount as a whole has
            btc_transaction_id (None | str): The transaction by which AEON.to pays the merchant
            btc_confirmations (int | None):
            settlement (None | str): Whether the chain of blocks shows that transaction; null before AEON.to named one, and
                where no server of the chain is asked
            transactions (list[PaymentTransaction]): In bitcoin, what paid the address, the earliest first
    """

    rail: str
    state: str
    pay_to: None | str
    address: None | str
    payment_id_long: None | str
    integrated_address: None | str
    payment_id_short: None | str
    amount_total: None | str
    amount_received: None | str
    amount_remaining: None | str
    uri: None | str
    expires_at: datetime.datetime | None
    seconds_left: int | None
    late_until: datetime.datetime | None
    late_payment: LatePayment | None
    vanished: bool
    confirmations_remaining: int | None
    confirmations_wanted: int | None
    confirmations_seen: int | None
    btc_transaction_id: None | str
    btc_confirmations: int | None
    settlement: None | str
    transactions: list[PaymentTransaction]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.late_payment import LatePayment  # noqa: PLC0415
        from ..models.payment_transaction import PaymentTransaction  # noqa: PLC0415

        rail = self.rail

        state = self.state

        pay_to: None | str
        pay_to = self.pay_to

        address: None | str
        address = self.address

        payment_id_long: None | str
        payment_id_long = self.payment_id_long

        integrated_address: None | str
        integrated_address = self.integrated_address

        payment_id_short: None | str
        payment_id_short = self.payment_id_short

        amount_total: None | str
        amount_total = self.amount_total

        amount_received: None | str
        amount_received = self.amount_received

        amount_remaining: None | str
        amount_remaining = self.amount_remaining

        uri: None | str
        uri = self.uri

        expires_at: None | str
        if isinstance(self.expires_at, datetime.datetime):
            expires_at = self.expires_at.isoformat()
        else:
            expires_at = self.expires_at

        seconds_left: int | None
        seconds_left = self.seconds_left

        late_until: None | str
        if isinstance(self.late_until, datetime.datetime):
            late_until = self.late_until.isoformat()
        else:
            late_until = self.late_until

        late_payment: dict[str, Any] | None
        if isinstance(self.late_payment, LatePayment):
            late_payment = self.late_payment.to_dict()
        else:
            late_payment = self.late_payment

        vanished = self.vanished

        confirmations_remaining: int | None
        confirmations_remaining = self.confirmations_remaining

        confirmations_wanted: int | None
        confirmations_wanted = self.confirmations_wanted

        confirmations_seen: int | None
        confirmations_seen = self.confirmations_seen

        btc_transaction_id: None | str
        btc_transaction_id = self.btc_transaction_id

        btc_confirmations: int | None
        btc_confirmations = self.btc_confirmations

        settlement: None | str
        settlement = self.settlement

        transactions = []
        for transactions_item_data in self.transactions:
            transactions_item = transactions_item_data.to_dict()
            transactions.append(transactions_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "rail": rail,
                "state": state,
                "pay_to": pay_to,
                "address": address,
                "payment_id_long": payment_id_long,
                "integrated_address": integrated_address,
                "payment_id_short": payment_id_short,
                "amount_total": amount_total,
                "amount_received": amount_received,
                "amount_remaining": amount_remaining,
                "uri": uri,
                "expires_at": expires_at,
                "seconds_left": seconds_left,
                "late_until": late_until,
                "late_payment": late_payment,
                "vanished": vanished,
                "confirmations_remaining": confirmations_remaining,
                "confirmations_wanted": confirmations_wanted,
                "confirmations_seen": confirmations_seen,
                "btc_transaction_id": btc_transaction_id,
                "btc_confirmations": btc_confirmations,
                "settlement": settlement,
                "transactions": transactions,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.late_payment import LatePayment  # noqa: PLC0415
        from ..models.payment_transaction import PaymentTransaction  # noqa: PLC0415

        d = dict(src_dict)
        rail = d.pop("rail")

        state = d.pop("state")

        def _parse_pay_to(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        pay_to = _parse_pay_to(d.pop("pay_to"))

        def _parse_address(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        address = _parse_address(d.pop("address"))

        def _parse_payment_id_long(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        payment_id_long = _parse_payment_id_long(d.pop("payment_id_long"))

        def _parse_integrated_address(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        integrated_address = _parse_integrated_address(d.pop("integrated_address"))

        def _parse_payment_id_short(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        payment_id_short = _parse_payment_id_short(d.pop("payment_id_short"))

        def _parse_amount_total(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        amount_total = _parse_amount_total(d.pop("amount_total"))

        def _parse_amount_received(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        amount_received = _parse_amount_received(d.pop("amount_received"))

        def _parse_amount_remaining(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        amount_remaining = _parse_amount_remaining(d.pop("amount_remaining"))

        def _parse_uri(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        uri = _parse_uri(d.pop("uri"))

        def _parse_expires_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                expires_at_type_0 = datetime.datetime.fromisoformat(data)

                return expires_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        expires_at = _parse_expires_at(d.pop("expires_at"))

        def _parse_seconds_left(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        seconds_left = _parse_seconds_left(d.pop("seconds_left"))

        def _parse_late_until(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                late_until_type_0 = datetime.datetime.fromisoformat(data)

                return late_until_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        late_until = _parse_late_until(d.pop("late_until"))

        def _parse_late_payment(data: object) -> LatePayment | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                late_payment_type_0 = LatePayment.from_dict(data)

                return late_payment_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(LatePayment | None, data)

        late_payment = _parse_late_payment(d.pop("late_payment"))

        vanished = d.pop("vanished")

        def _parse_confirmations_remaining(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        confirmations_remaining = _parse_confirmations_remaining(d.pop("confirmations_remaining"))

        def _parse_confirmations_wanted(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        confirmations_wanted = _parse_confirmations_wanted(d.pop("confirmations_wanted"))

        def _parse_confirmations_seen(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        confirmations_seen = _parse_confirmations_seen(d.pop("confirmations_seen"))

        def _parse_btc_transaction_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        btc_transaction_id = _parse_btc_transaction_id(d.pop("btc_transaction_id"))

        def _parse_btc_confirmations(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        btc_confirmations = _parse_btc_confirmations(d.pop("btc_confirmations"))

        def _parse_settlement(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        settlement = _parse_settlement(d.pop("settlement"))

        transactions = []
        _transactions = d.pop("transactions")
        for transactions_item_data in _transactions:
            transactions_item = PaymentTransaction.from_dict(transactions_item_data)

            transactions.append(transactions_item)

        payment_response = cls(
            rail=rail,
            state=state,
            pay_to=pay_to,
            address=address,
            payment_id_long=payment_id_long,
            integrated_address=integrated_address,
            payment_id_short=payment_id_short,
            amount_total=amount_total,
            amount_received=amount_received,
            amount_remaining=amount_remaining,
            uri=uri,
            expires_at=expires_at,
            seconds_left=seconds_left,
            late_until=late_until,
            late_payment=late_payment,
            vanished=vanished,
            confirmations_remaining=confirmations_remaining,
            confirmations_wanted=confirmations_wanted,
            confirmations_seen=confirmations_seen,
            btc_transaction_id=btc_transaction_id,
            btc_confirmations=btc_confirmations,
            settlement=settlement,
            transactions=transactions,
        )

        payment_response.additional_properties = d
        return payment_response

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
