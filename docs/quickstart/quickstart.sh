#!/bin/sh
# From nothing to a receipt with curl and python3, against the Assay at $ASSAY_URL.
set -eu
URL=${ASSAY_URL:-http://127.0.0.1:8000}
EMAIL=${BUYER:-buyer-$$}@example.com
PASSWORD='correct horse battery'
RECEIPT=${RECEIPT:-receipt.json}

field() { python3 -c "import json, sys; print(json.load(sys.stdin)['$1'])"; }
post() { # post PATH BODY HEADER...
    path=$1 body=$2
    shift 2
    curl -sS --fail-with-body "$URL/api/$path" -H 'Content-Type: application/json' -d "$body" "$@"
}

# 1. An account, a session, and a key. A session ends; a key is for programs.
post register "{\"email\": \"$EMAIL\", \"password\": \"$PASSWORD\"}" >/dev/null
SESSION=$(post login "{\"email\": \"$EMAIL\", \"password\": \"$PASSWORD\"}" | field session_token)
KEY=$(post api_keys '{"name": "quickstart"}' -H "Authorization: Bearer $SESSION" | field api_key)

# 2. What do ten credits cost?
post check_price '{"number_of_credits": 10}' -H "X-API-KEY: $KEY"
echo

# 3. An order. Under an Idempotency-Key it may be sent again after a broken connection.
ORDER_ID=$(post new_order '{"number_of_credits": 10, "payment_coin": "Aeon",
    "payment_network": "AEON", "order_is_for_self": true}' \
    -H "X-API-KEY: $KEY" -H "Idempotency-Key: $EMAIL-1" | field order_id)

# 4. Wait until the order is settled; the sandbox pays it by itself.
while :; do
    GRANTED=$(post check_order_status "{\"order_id\": \"$ORDER_ID\"}" -H "X-API-KEY: $KEY" |
        field credits_granted)
    [ "$GRANTED" = 10 ] && break
    sleep 2
done
echo "$ORDER_ID: $GRANTED credits"

# 5. An assessment, for one credit, and its receipt: keep the bytes as they come.
ASSESSMENT_ID=$(post create_new_assessment '{"assessment_type": "address", "currency": "BTC",
    "address": "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM"}' -H "X-API-KEY: $KEY" | field assessment_id)
curl -sS --fail-with-body "$URL/api/assessments/$ASSESSMENT_ID/receipt" -H "X-API-KEY: $KEY" >"$RECEIPT"
echo "$ASSESSMENT_ID: $RECEIPT"
