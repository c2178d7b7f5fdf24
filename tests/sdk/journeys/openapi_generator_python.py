"""The journey of a buyer with the client that openapi-generator made for Python."""

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from openapi_client import (
    AccessCodesApi,
    AccountsApi,
    ApiClient,
    ApiKeysApi,
    AssessmentQuestion,
    AssessmentsApi,
    AssessmentType,
    CheckOrderStatusRequest,
    CheckPriceRequest,
    Configuration,
    CreateAccessCodeRequest,
    CreateApiKeyRequest,
    CreateAssessmentForAccessCodeRequest,
    CreateAssessmentsRequest,
    LoginRequest,
    OrderRequest,
    OrdersApi,
    Problem,
    RegisterRequest,
)
from openapi_client.exceptions import ApiException

URL = os.environ["ASSAY_URL"]
RECEIPT = Path(os.environ["RECEIPT"])
EMAIL = f"{os.environ['BUYER']}@example.com"
PASSWORD = "correct horse battery"
ADDRESS = "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM"


def refused(ask: Callable[[], object], code: str) -> None:
    try:
        answer = ask()
    except ApiException as error:
        if isinstance(error.data, Problem) and error.data.code == code:
            return
        raise
    raise SystemExit(f"expected the problem {code}, got {answer}")


def sign_up() -> ApiClient:
    nobody = AccountsApi(ApiClient(Configuration(host=URL)))
    account = RegisterRequest(email=EMAIL, password=PASSWORD)
    nobody.register(account)
    refused(lambda: nobody.register(account), "email_taken")
    token = nobody.login(LoginRequest(email=EMAIL, password=PASSWORD)).session_token
    bearer = ApiClient(Configuration(host=URL, access_token=token))
    key = ApiKeysApi(bearer).create_api_key(CreateApiKeyRequest())
    return ApiClient(Configuration(host=URL, api_key={"ApiKeyHeader": key.api_key}))


def buy(orders: OrdersApi) -> None:
    price = orders.check_price(CheckPriceRequest(number_of_credits=10))
    assert {each.rail for each in price.prices} == {"aeonto", "bitcoin"}
    made = []
    for coin, network in (("Aeon", "AEON"), ("Bitcoin", "BTC")):
        order = OrderRequest(
            number_of_credits=10, payment_coin=coin, payment_network=network, order_is_for_self=True
        )
        key = f"{EMAIL}-{network}"
        made.append(orders.new_order(order, idempotency_key=key).order_id)
        assert orders.new_order(order, idempotency_key=key).order_id == made[-1]
        order.number_of_credits = 11
        refused(partial(orders.new_order, order, idempotency_key=key), "idempotency_key_reused")
    deadline = time.monotonic() + 450
    for order_id in made:
        while True:
            found = orders.check_order_status(CheckOrderStatusRequest(order_id=order_id))
            if found.credits_granted == 10:
                break
            if time.monotonic() > deadline:
                raise SystemExit(f"{order_id} is still {found.status}")
            time.sleep(1)
    first = orders.list_orders(limit=1)
    second = orders.list_orders(limit=1, cursor=first.next_cursor)
    assert second.next_cursor is None
    assert first.items[0].order_id != second.items[0].order_id


def assess(client: ApiClient) -> None:
    code = AccessCodesApi(client).create_access_code(CreateAccessCodeRequest(credits=3)).access_code
    assessments = AssessmentsApi(client)
    asked = CreateAssessmentForAccessCodeRequest(
        access_code=code,
        assessment_type=AssessmentType.ASSESSMENT_TYPE_ADDRESS,
        address=ADDRESS,
        currency="BTC",
    )
    made = assessments.create_new_assessment_for_access_code(asked)
    questions = [
        AssessmentQuestion(
            assessment_type=AssessmentType.ASSESSMENT_TYPE_ADDRESS,
            address=address,
            currency="BTC",
            fresh=True,
        )
        for address in (ADDRESS, "malformed")
    ]
    batch = assessments.create_new_assessments_for_access_code(
        CreateAssessmentsRequest(access_code=code, questions=questions)
    )
    assert batch.credits_charged == 1
    assert batch.outcomes[1].error.code == "invalid_parameter"
    RECEIPT.write_bytes(assessments.get_receipt(made.assessment_id))
    assert len(assessments.list_assessments().items) == 0
    refused(lambda: assessments.get_receipt("asm_unknown"), "not_found")
    asked.fresh = True
    assessments.create_new_assessment_for_access_code(asked)
    refused(
        lambda: assessments.create_new_assessment_for_access_code(asked), "insufficient_credits"
    )


def main() -> None:
    client = sign_up()
    orders = OrdersApi(client)
    buy(orders)
    assess(client)
    assert AccountsApi(client).check_self_status().credits_available == 17
    refused(
        lambda: orders.check_order_status(CheckOrderStatusRequest(order_id="nothing")),
        "invalid_order_id",
    )
    wrong = ApiClient(Configuration(host=URL, api_key={"ApiKeyHeader": "ak_wrong"}))
    refused(lambda: AccountsApi(wrong).check_self_status(), "invalid_api_key")


main()
