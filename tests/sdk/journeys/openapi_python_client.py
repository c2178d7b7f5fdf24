"""The journey of a buyer with the client that openapi-python-client made, under mypy --strict."""

import os
import time
from pathlib import Path

from openapi_python_client_made.api.access_codes import create_access_code, list_access_codes
from openapi_python_client_made.api.accounts import check_self_status, login, register
from openapi_python_client_made.api.api_keys import create_api_key
from openapi_python_client_made.api.assessments import (
    create_new_assessment_for_access_code,
    create_new_assessments_for_access_code,
    get_receipt,
    list_assessments,
)
from openapi_python_client_made.api.orders import (
    check_order_status,
    check_price,
    create_payment_page,
    list_orders,
    new_order,
)
from openapi_python_client_made.client import AuthenticatedClient, Client
from openapi_python_client_made.models import (
    AccessCodeResponse,
    AssessmentPage,
    AssessmentQuestion,
    AssessmentType,
    CheckOrderStatusRequest,
    CheckPriceRequest,
    CreateAccessCodeRequest,
    CreateApiKeyRequest,
    CreateAssessmentForAccessCodeRequest,
    CreateAssessmentsRequest,
    CreatedApiKeyResponse,
    CreatedAssessmentResponse,
    CreatedAssessmentsResponse,
    LoginRequest,
    LoginResponse,
    OrderPage,
    OrderRequest,
    OrderResponse,
    PaymentPageRequest,
    PaymentPageResponse,
    PriceResponse,
    Problem,
    RegisterRequest,
    RegisterResponse,
    SelfStatusResponse,
)
from openapi_python_client_made.types import File

URL = os.environ["ASSAY_URL"]
RECEIPT = Path(os.environ["RECEIPT"])
EMAIL = f"{os.environ['BUYER']}@example.com"
PASSWORD = "correct horse battery"
ADDRESS = "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM"


def refused(answer: object, code: str) -> None:
    if not isinstance(answer, Problem) or answer.code != code:
        raise SystemExit(f"expected the problem {code}, got {answer}")


def sign_up() -> AuthenticatedClient:
    nobody = Client(base_url=URL)
    account = RegisterRequest(email=EMAIL, password=PASSWORD)
    assert isinstance(register.sync(client=nobody, body=account), RegisterResponse)
    refused(register.sync(client=nobody, body=account), "email_taken")
    session = login.sync(client=nobody, body=LoginRequest(email=EMAIL, password=PASSWORD))
    assert isinstance(session, LoginResponse)
    bearer = AuthenticatedClient(base_url=URL, token=session.session_token)
    key = create_api_key.sync(client=bearer, body=CreateApiKeyRequest())
    assert isinstance(key, CreatedApiKeyResponse)
    return AuthenticatedClient(
        base_url=URL, token=key.api_key, prefix="", auth_header_name="X-API-KEY"
    )


def buy(client: AuthenticatedClient) -> None:
    price = check_price.sync(client=client, body=CheckPriceRequest(number_of_credits=10))
    assert isinstance(price, PriceResponse)
    assert {each.rail for each in price.prices} == {"aeonto", "bitcoin"}
    orders = []
    for coin, network in (("Aeon", "AEON"), ("Bitcoin", "BTC")):
        order = OrderRequest(
            number_of_credits=10, payment_coin=coin, payment_network=network, order_is_for_self=True
        )
        key = f"{EMAIL}-{network}"
        made = new_order.sync(client=client, body=order, idempotency_key=key)
        again = new_order.sync(client=client, body=order, idempotency_key=key)
        assert isinstance(made, OrderResponse)
        assert isinstance(again, OrderResponse)
        assert again.order_id == made.order_id
        order.number_of_credits = 11
        refused(
            new_order.sync(client=client, body=order, idempotency_key=key), "idempotency_key_reused"
        )
        link = create_payment_page.sync(
            made.order_id, client=client, body=PaymentPageRequest(expires_in_seconds=3600)
        )
        assert isinstance(link, PaymentPageResponse)
        assert URL in link.url
        orders.append(made.order_id)
    deadline = time.monotonic() + 450
    for order_id in orders:
        while True:
            found = check_order_status.sync(
                client=client, body=CheckOrderStatusRequest(order_id=order_id)
            )
            assert isinstance(found, OrderResponse)
            if found.credits_granted == 10:
                break
            if time.monotonic() > deadline:
                raise SystemExit(f"{order_id} is still {found.status}")
            time.sleep(1)


def read_pages(client: AuthenticatedClient) -> None:
    first = list_orders.sync(client=client, limit=1)
    assert isinstance(first, OrderPage)
    assert isinstance(first.next_cursor, str)
    second = list_orders.sync(client=client, limit=1, cursor=first.next_cursor)
    assert isinstance(second, OrderPage)
    assert second.next_cursor is None
    assert first.items[0].order_id != second.items[0].order_id
    assert isinstance(list_access_codes.sync_detailed(client=client).content, bytes)


def assess(client: AuthenticatedClient) -> None:
    code = create_access_code.sync(client=client, body=CreateAccessCodeRequest(credits_=3))
    assert isinstance(code, AccessCodeResponse)
    made = create_new_assessment_for_access_code.sync(
        client=client,
        body=CreateAssessmentForAccessCodeRequest(
            access_code=code.access_code,
            assessment_type=AssessmentType.ASSESSMENT_TYPE_ADDRESS,
            address=ADDRESS,
            currency="BTC",
        ),
    )
    assert isinstance(made, CreatedAssessmentResponse)
    batch = create_new_assessments_for_access_code.sync(
        client=client,
        body=CreateAssessmentsRequest(
            access_code=code.access_code,
            questions=[
                AssessmentQuestion(
                    assessment_type=AssessmentType.ASSESSMENT_TYPE_ADDRESS,
                    address=address,
                    currency="BTC",
                    fresh=True,
                )
                for address in (ADDRESS, "malformed")
            ],
        ),
    )
    assert isinstance(batch, CreatedAssessmentsResponse)
    assert batch.credits_charged == 1
    fault = batch.outcomes[1].error
    assert fault is not None
    assert fault.code == "invalid_parameter"
    receipt = get_receipt.sync(client=client, assessment_id=made.assessment_id)
    assert isinstance(receipt, File)
    RECEIPT.write_bytes(receipt.payload.read())
    assert isinstance(list_assessments.sync(client=client), AssessmentPage)
    refused(get_receipt.sync(client=client, assessment_id="asm_unknown"), "not_found")
    spend = CreateAssessmentForAccessCodeRequest(
        access_code=code.access_code,
        assessment_type=AssessmentType.ASSESSMENT_TYPE_ADDRESS,
        address=ADDRESS,
        currency="BTC",
        fresh=True,
    )
    assert isinstance(
        create_new_assessment_for_access_code.sync(client=client, body=spend),
        CreatedAssessmentResponse,
    )
    refused(
        create_new_assessment_for_access_code.sync(client=client, body=spend),
        "insufficient_credits",
    )


def main() -> None:
    client = sign_up()
    buy(client)
    read_pages(client)
    assess(client)
    own = check_self_status.sync(client=client)
    assert isinstance(own, SelfStatusResponse)
    assert own.credits_available == 17
    refused(
        check_order_status.sync(client=client, body=CheckOrderStatusRequest(order_id="nothing")),
        "invalid_order_id",
    )
    wrong = AuthenticatedClient(
        base_url=URL, token="ak_wrong", prefix="", auth_header_name="X-API-KEY"
    )
    refused(check_self_status.sync(client=wrong), "invalid_api_key")


main()
