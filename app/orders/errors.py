"""The errors of orders."""

from app.runtime.errors import AppError


class InvalidOrderId(AppError):
    """The order never was, or the caller may not see it."""

    code = "invalid_order_id"
    status = 400

    def __init__(self) -> None:
        super().__init__("Invalid order_id")


class OrderNotSettled(AppError):
    """An operator asked for a settlement that the order's state does not allow."""

    code = "order_not_settled"
    status = 409

    def __init__(self, order_status: str) -> None:
        super().__init__(f"An order that is {order_status} cannot be settled that way")


class OrderNotCancellable(AppError):
    """The order was paid, in part at least, or is over."""

    code = "order_not_cancellable"
    status = 409

    def __init__(self, order_status: str) -> None:
        super().__init__(
            f"An order that is {order_status} cannot be cancelled; only one that nobody paid can"
        )


class TooManyOpenOrders(AppError):
    """The buyer has as many open unpaid orders as it may have; `wait`: seconds until one counts no more."""

    code = "too_many_open_orders"
    status = 429

    def __init__(self, limit: int, *, wait: int) -> None:
        super().__init__(
            f"At most {limit} unpaid orders may be open at once, those of a user and its access codes"
            " together; pay one, or wait until one times out. An order in bitcoin that was cancelled"
            " counts until then",
            headers={"Retry-After": str(wait)},
        )


class ReferenceTaken(AppError):
    """The buyer has an order whose `client_reference` was to be unique, and is the same."""

    code = "client_reference_taken"
    status = 409

    def __init__(self, order_id: str) -> None:
        super().__init__(f"client_reference must be unique, and the order {order_id} has it")


class OrderNotCreated(AppError):
    """The database refused the insert of an order."""

    code = "order_not_created"
    status = 500

    def __init__(self) -> None:
        super().__init__("Unable to create order")


class OrderFault(AppError):
    """Any other fault of `new_order`; its text stands under `error`, as specified."""

    code = "order_fault"
    status = 500
    member = "error"

    def __init__(self) -> None:
        super().__init__("The order could not be processed")


class UpstreamUnknown(AppError):
    """What AEON.to offers was last learnt too long ago."""

    code = "upstream_unknown"
    status = 503

    def __init__(self) -> None:
        super().__init__(
            "AEON.to's limits and price are not known at the moment; try again soon",
            headers={"Retry-After": "30"},
        )
