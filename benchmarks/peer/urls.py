"""Paths of the peer."""

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path

from benchmarks.peer.views import CheckOrderStatus, NewOrder


def ready(_request: HttpRequest) -> HttpResponse:
    """Say that the service and its database answer."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ready")


urlpatterns = [
    path("ready", ready),
    path("check_order_status", CheckOrderStatus.as_view()),
    path("new_order", NewOrder.as_view()),
]
