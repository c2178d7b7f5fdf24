"""Requests and answers typed from AEON.to API v3."""

from typing import Final

BASE_URL: Final = "https://aeon.to/api/v3/aeon2btc/"

PARAMETERS: Final = """{
    "price": 0.017666,
    "upper_limit": 20.0,
    "lower_limit": 0.002,
    "zero_conf_enabled": true,
    "zero_conf_max_amount": 0.1
}"""

CREATED: Final = """{
    "state": "TO_BE_CREATED",
    "btc_amount": 0.1,
    "btc_dest_address": "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
    "uuid": "aeonto-5rpnYP"
}"""

CREATED_PP: Final = """{
    "state": "TO_BE_CREATED",
    "btc_amount": 0.1,
    "btc_dest_address": "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
    "uuid": "aeonto-XCZEsu",
    "pp_url": "https://bitpay.com/i/xxx"
}"""

UNPAID: Final = """{
    "incoming_price_btc": 0.01760396,
    "uuid": "aeonto-XCZEsu",
    "state": "UNPAID",
    "btc_amount": 0.1,
    "btc_dest_address": "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
    "receiving_address": "Sm6XWv4nmULGYQyHqRH54fgtXb3m3wnQ52EftauD2aMm1rmnrBwYDsudZj7MDgqB6Q1DgVR4jBgJdTFDZmssEdX711h3WyGzE",
    "receiving_integrated_address": "Sz4Dra9LBvxGYQyHqRH54fgtXb3m3wnQ52EftauD2aMm1rmnrBwYDsudZj7MDgqB6Q1DgVR4jBgJdTFDZmssEdX71ES97Z3M99r2Hv8KMQuE",
    "required_payment_id_long": "6db2414c87fd343fdd6ef4d73aa5f899372868da08faf4c0f5950a666ed08ad7",
    "required_payment_id_short": "7c855c2228e19671",
    "created_at": "2019-01-11T12:46:03Z",
    "expires_at": "2019-01-11T12:51:03Z",
    "seconds_till_timeout": 298,
    "incoming_amount_total": 14.4265105,
    "remaining_amount_incoming": 14.4265105,
    "incoming_num_confirmations_remaining": -1,
    "recommended_mixin": 4,
    "btc_num_confirmations_before_purge": 144,
    "btc_num_confirmations": 0,
    "btc_transaction_id": ""
}"""

QUOTE: Final = """{
    "btc_amount": 0.15,
    "incoming_amount_total": 2163.9765748,
    "incoming_num_confirmations_remaining": 1,
    "incoming_price_btc": 0.00006932
}"""


def error(code: str) -> str:
    """Write the body of a failure."""
    return f'{{"error": "{code}", "error_msg": "some text"}}'
