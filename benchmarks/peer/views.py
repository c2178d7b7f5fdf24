"""The two calls of the peer."""

from decimal import Decimal
from typing import Any, Final

from django.db import transaction
from django.shortcuts import get_object_or_404
from rest_framework.response import Response
from rest_framework.views import APIView

from benchmarks.peer.models import Order, OrderEvent
from benchmarks.peer.serializers import OrderAnswer, Purchase, StatusQuestion

_PRICE_BTC: Final = Decimal("0.0005")


class CheckOrderStatus(APIView):
    """Shows an order of the caller."""

    def post(self, request: Any) -> Response:  # noqa: ANN401
        """Answer with the order."""
        question = StatusQuestion(data=request.data)
        question.is_valid(raise_exception=True)
        order = get_object_or_404(Order, id=question.validated_data["order_id"], buyer=request.user)
        return Response(OrderAnswer(order).data)


class NewOrder(APIView):
    """Places an order for the caller."""

    def post(self, request: Any) -> Response:  # noqa: ANN401
        """Answer with the new order."""
        purchase = Purchase(data=request.data)
        purchase.is_valid(raise_exception=True)
        bought = purchase.validated_data
        with transaction.atomic():
            order = Order.objects.create(
                buyer=request.user,
                number_of_credits=bought["number_of_credits"],
                credit_price_btc=_PRICE_BTC,
                payment_coin=bought["payment_coin"],
                payment_network=bought["payment_network"],
                btc_amount=bought["number_of_credits"] * _PRICE_BTC,
            )
            OrderEvent.objects.create(order=order, to_status=order.status, reason="ordered")
        return Response(OrderAnswer(order).data, status=201)
