"""What callers of the peer send and receive."""

from rest_framework import serializers

from benchmarks.peer.models import Order


class StatusQuestion(serializers.Serializer):
    """Which order is asked about."""

    order_id = serializers.UUIDField()


class Purchase(serializers.Serializer):
    """What is bought."""

    number_of_credits = serializers.IntegerField(min_value=1, max_value=10_000)
    payment_coin = serializers.CharField(max_length=20)
    payment_network = serializers.CharField(max_length=20)
    order_is_for_self = serializers.BooleanField()


class OrderAnswer(serializers.ModelSerializer):
    """An order."""

    class Meta:
        """Which fields are shown."""

        model = Order
        fields = (
            "id",
            "status",
            "created_at",
            "updated_at",
            "number_of_credits",
            "credit_price_btc",
            "credits_granted",
            "payment_coin",
            "payment_network",
            "btc_amount",
            "failure_reason",
        )
