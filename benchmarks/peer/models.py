"""Tables of the peer."""

import uuid

from django.db import models


class Account(models.Model):
    """Who buys."""

    is_authenticated = True  # as REST Framework asks of whoever a request comes from

    class Meta:
        """Where it is filed."""

        app_label = "peer"


class ApiKey(models.Model):
    """A key of an account, found by its prefix, stored hashed."""

    prefix = models.CharField(max_length=10, primary_key=True)
    secret_hash = models.BinaryField()
    revoked_at = models.DateTimeField(null=True)
    account = models.ForeignKey(Account, on_delete=models.PROTECT)

    class Meta:
        """Where it is filed."""

        app_label = "peer"


class Order(models.Model):
    """A purchase of credits."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    buyer = models.ForeignKey(Account, on_delete=models.PROTECT)
    status = models.CharField(max_length=20, default="TO_BE_CREATED")
    number_of_credits = models.IntegerField()
    credit_price_btc = models.DecimalField(max_digits=20, decimal_places=8)
    credits_granted = models.IntegerField(null=True)
    payment_coin = models.CharField(max_length=20)
    payment_network = models.CharField(max_length=20)
    btc_amount = models.DecimalField(max_digits=20, decimal_places=8)
    failure_reason = models.CharField(max_length=200, null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        """Where it is filed."""

        app_label = "peer"


class OrderEvent(models.Model):
    """What happened to an order."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT)
    to_status = models.CharField(max_length=20)
    reason = models.CharField(max_length=200)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Where it is filed."""

        app_label = "peer"
