"""From nothing to a receipt with the client in clients/python, against the Assay at ASSAY_URL."""

import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any, TypeVar

from assay_client import AuthenticatedClient, Client, connect
from assay_client.api.accounts import login, register
from assay_client.api.api_keys import create_api_key
from assay_client.api.assessments import create_new_assessment, get_receipt
from assay_client.api.orders import check_price, create_payment_page, new_order
from assay_client.api.webhooks import create_webhook_endpoint
from assay_client.models import (
    AssessmentType,
    CheckPriceRequest,
    CreateApiKeyRequest,
    CreateAssessmentRequest,
    CreatedApiKeyResponse,
    CreatedAssessmentResponse,
    CreateWebhookEndpointRequest,
    LoginRequest,
    LoginResponse,
    OrderRequest,
    OrderResponse,
    PaymentPageRequest,
    PaymentPageResponse,
    PriceResponse,
    RegisterRequest,
    RegisterResponse,
    WebhookEndpointWithSecret,
)
from assay_client.types import File
from assay_client.webhooks import WebhookRefused, verify

URL = os.environ.get("ASSAY_URL", "http://127.0.0.1:8000")
EMAIL = f"{os.environ.get('BUYER', f'buyer-{os.getpid()}')}@example.com"
PASSWORD = "correct horse battery"
RECEIPT = Path(os.environ.get("RECEIPT", "receipt.json"))

T = TypeVar("T")


def expect(kind: type[T], answer: object) -> T:
    """Return the answer if it is of its kind; otherwise it is a Problem, or None."""
    if not isinstance(answer, kind):
        raise SystemExit(f"refused: {answer}")
    return answer


def make_key() -> str:
    """Make an account, a session, and a key. A session ends; a key is for programs."""
    nobody = Client(base_url=URL)
    account = RegisterRequest(email=EMAIL, password=PASSWORD)
    expect(RegisterResponse, register.sync(client=nobody, body=account))
    credentials = LoginRequest(email=EMAIL, password=PASSWORD)
    session = expect(LoginResponse, login.sync(client=nobody, body=credentials))
    bearer = AuthenticatedClient(base_url=URL, token=session.session_token)
    body = CreateApiKeyRequest(name="quickstart")
    return expect(CreatedApiKeyResponse, create_api_key.sync(client=bearer, body=body)).api_key


class Receiver(BaseHTTPRequestHandler):
    """Takes webhooks: answers within 10 seconds, and leaves the work to who reads the queue."""

    secret = ""
    events: Queue[dict[str, Any]] = Queue()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            self.events.put(verify(body, dict(self.headers), self.secret))
        except WebhookRefused as fault:
            self.send_error(400, str(fault))
        else:
            self.send_response(204)
            self.end_headers()


def receive(client: AuthenticatedClient) -> None:
    """Let Assay post when an order is credited, to a receiver in this program."""
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    Thread(target=server.serve_forever, daemon=True).start()
    body = CreateWebhookEndpointRequest(
        url=f"http://127.0.0.1:{server.server_port}/",
        event_types=["order.credited"],
    )
    answer = create_webhook_endpoint.sync(client=client, body=body)
    Receiver.secret = expect(WebhookEndpointWithSecret, answer).secret


def buy(client: AuthenticatedClient) -> None:
    """Order ten credits, and wait until they are there; the sandbox pays the order by itself."""
    price = check_price.sync(client=client, body=CheckPriceRequest(number_of_credits=10))
    for each in expect(PriceResponse, price).prices:
        print(f"ten credits cost {each.amount_total} {each.payment_coin}")
    order = OrderRequest(
        number_of_credits=10,
        payment_coin="Aeon",
        payment_network="AEON",
        order_is_for_self=True,
    )
    # Under an Idempotency-Key it may be sent again after a broken connection.
    answer = new_order.sync(client=client, body=order, idempotency_key=f"{EMAIL}-1")
    order_id = expect(OrderResponse, answer).order_id
    page = create_payment_page.sync(order_id, client=client, body=PaymentPageRequest())
    print(f"the buyer pays at {expect(PaymentPageResponse, page).url}")
    event = Receiver.events.get()
    print(f"{event['data']['order_id']}: {event['data']['credits_granted']} credits")


def assess(client: AuthenticatedClient) -> None:
    """Assess an address for one credit, and keep the bytes of the receipt as they come."""
    question = CreateAssessmentRequest(
        assessment_type=AssessmentType.ASSESSMENT_TYPE_ADDRESS,
        address="12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
        currency="BTC",
    )
    answer = create_new_assessment.sync(client=client, body=question)
    made = expect(CreatedAssessmentResponse, answer)
    receipt = get_receipt.sync(client=client, assessment_id=made.assessment_id)
    RECEIPT.write_bytes(expect(File, receipt).payload.read())
    print(f"{made.assessment_id}: {RECEIPT}")


client = connect(URL, make_key())
receive(client)
buy(client)
assess(client)
