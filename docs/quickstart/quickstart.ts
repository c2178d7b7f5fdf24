// From nothing to a receipt with the client in clients/typescript, against the Assay at ASSAY_URL.
import { writeFileSync } from "node:fs";
import { connect } from "assay-client";
import createClient from "openapi-fetch";
import type { paths } from "assay-client";

const baseUrl = process.env.ASSAY_URL ?? "http://127.0.0.1:8000";
const email = `${process.env.BUYER ?? `buyer-${process.pid}`}@example.com`;
const password = "correct horse battery";

/** Returns what was answered, or throws the problem that was answered in its place. */
async function expected<T>(asked: Promise<{ data?: T; error?: unknown }>): Promise<T> {
  const { data, error } = await asked;
  if (data === undefined) throw new Error(`refused: ${JSON.stringify(error)}`);
  return data;
}

// 1. An account, a session, and a key. A session ends; a key is for programs.
const nobody = connect(baseUrl);
await expected(nobody.POST("/api/register", { body: { email, password } }));
const session = await expected(nobody.POST("/api/login", { body: { email, password } }));
const headers = { Authorization: `Bearer ${session.session_token}` };
const bearer = createClient<paths>({ baseUrl, headers });
const key = await expected(bearer.POST("/api/api_keys", { body: { name: "quickstart" } }));
const client = connect(baseUrl, key.api_key);

// 2. What do ten credits cost?
const price = await expected(
  client.POST("/api/check_price", { body: { number_of_credits: 10 } }),
);
for (const each of price.prices) {
  console.log(`ten credits cost ${each.amount_total} ${each.payment_coin}`);
}

// 3. An order. Under an Idempotency-Key it may be sent again after a broken connection.
const order = await expected(
  client.POST("/api/new_order", {
    body: {
      number_of_credits: 10,
      payment_coin: "Aeon",
      payment_network: "AEON",
      order_is_for_self: true,
    },
    params: { header: { "Idempotency-Key": `${email}-1` } },
  }),
);

// 4. Wait until the order is settled; the sandbox pays it by itself.
for (;;) {
  const { order_id } = order;
  const found = await expected(client.POST("/api/check_order_status", { body: { order_id } }));
  if (found.credits_granted === 10) break;
  await new Promise((resolve) => setTimeout(resolve, 2000));
}
console.log(`${order.order_id}: 10 credits`);

// 5. An assessment, for one credit, and its receipt: keep the bytes as they come.
const made = await expected(
  client.POST("/api/create_new_assessment", {
    body: {
      assessment_type: "address",
      address: "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
      currency: "BTC",
    },
  }),
);
const receipt = await expected(
  client.GET("/api/assessments/{assessment_id}/receipt", {
    params: { path: { assessment_id: made.assessment_id } },
    parseAs: "arrayBuffer",
  }),
);
writeFileSync(process.env.RECEIPT ?? "receipt.json", Buffer.from(receipt));
console.log(made.assessment_id);
