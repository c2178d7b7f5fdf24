"""From nothing to a receipt with the client in clients/python, against the Assay at ASSAY_URL."""

import os
import time
from pathlib import Path
from typing import TypeVar

from assay_client import AuthenticatedClient, Client, connect
from assay_client.api.accounts import login, register
from assay_client.api.api_keys import create_api_key
from assay_client.api.assessments import create_new_assessment, get_receipt
from assay_client.api.orders import check_order_status, check_price, new_order
from assay_client.models import (
    AssessmentType,
    CheckOrderStatusRequest,
    CheckPriceRequest,
    CreateApiKeyRequest,
    CreateAssessmentRequest,
    CreatedApiKeyResponse,
    CreatedAssessmentResponse,
    LoginRequest,
    LoginResponse,
    OrderRequest,
    OrderResponse,
    PriceResponse,
    RegisterRequest,
    RegisterResponse,
)
from assay_client.types import File

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


def buy(client: AuthenticatedClient) -> None:
    """Order ten credits, and wait until the order is settled; the sandbox pays it by itself."""
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
    asked = CheckOrderStatusRequest(order_id=expect(OrderResponse, answer).order_id)
    while True:
        found = expect(OrderResponse, check_order_status.sync(client=client, body=asked))
        if found.credits_granted == 10:
            print(f"{found.order_id}: {found.credits_granted} credits")
            return
        time.sleep(2)


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
buy(client)
assess(client)
