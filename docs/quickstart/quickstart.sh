#!/bin/sh
# From nothing to a receipt with curl, openssl and python3, against the Assay at $ASSAY_URL.
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

# 3. A webhook. This receiver ends after the first one; yours answers each of them within 10 seconds.
FOLDER=$(mktemp -d)
trap 'rm -rf "$FOLDER"' EXIT
python3 - "$FOLDER" <<'RECEIVER' &
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

folder = Path(sys.argv[1])


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        lines = [*(self.headers[name] for name in names), body, ""]
        (folder / "webhook").write_text("\n".join(lines))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args):
        pass


server = HTTPServer(("127.0.0.1", 0), Receiver)
(folder / "port").write_text(f"{server.server_port}\n")
while not (folder / "webhook").exists():
    server.handle_request()
RECEIVER
RECEIVER=$!
until [ -s "$FOLDER/port" ]; do sleep 0.1; done
SECRET=$(post webhook_endpoints "{\"url\": \"http://127.0.0.1:$(cat "$FOLDER/port")/\",
    \"event_types\": [\"order.credited\"]}" -H "X-API-KEY: $KEY" | field secret)

# 4. An order. Under an Idempotency-Key it may be sent again after a broken connection.
ORDER_ID=$(post new_order '{"number_of_credits": 10, "payment_coin": "Aeon",
    "payment_network": "AEON", "order_is_for_self": true}' \
    -H "X-API-KEY: $KEY" -H "Idempotency-Key: $EMAIL-1" | field order_id)

# 5. A page for the buyer, to pay on. The sandbox pays the order by itself.
post "orders/$ORDER_ID/payment_page" '{}' -H "X-API-KEY: $KEY" | field url

# 6. Wait until Assay posts that the credits are there. The signature is of the Standard Webhooks.
wait "$RECEIVER"
{ read -r ID && read -r TIMESTAMP && read -r SIGNATURES && IFS= read -r BODY; } <"$FOLDER/webhook"
HEX=$(printf %s "${SECRET#whsec_}" | base64 -d | od -An -tx1 | tr -d ' \n')
SIGNED=$(printf '%s.%s.%s' "$ID" "$TIMESTAMP" "$BODY" |
    openssl dgst -sha256 -mac HMAC -macopt "hexkey:$HEX" -binary | base64)
[ "$SIGNATURES" = "v1,$SIGNED" ] || { echo "not signed by Assay" >&2 && exit 1; }
echo "$BODY"

# 7. An assessment, for one credit, and its receipt: keep the bytes as they come.
ASSESSMENT_ID=$(post create_new_assessment '{"assessment_type": "address", "currency": "BTC",
    "address": "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM"}' -H "X-API-KEY: $KEY" | field assessment_id)
curl -sS --fail-with-body "$URL/api/assessments/$ASSESSMENT_ID/receipt" -H "X-API-KEY: $KEY" >"$RECEIPT"
echo "$ASSESSMENT_ID: $RECEIPT"
