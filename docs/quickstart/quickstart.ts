// From nothing to a receipt with the client in clients/typescript, against the Assay at ASSAY_URL.
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { connect, verifyWebhook, WebhookRefused } from "assay-client";
import createClient from "openapi-fetch";
import type { paths, Schemas } from "assay-client";

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

// 3. A webhook: a receiver answers within 10 seconds, and does the work afterwards.
let secret = "";
let take: (order: Schemas["OrderResponse"]) => void;
const credited = new Promise<Schemas["OrderResponse"]>((resolve) => (take = resolve));
const receiver = createServer(async (request, response) => {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece);
  try {
    const headers = new Headers(request.headers as Record<string, string>);
    const event = await verifyWebhook(Buffer.concat(pieces), headers, secret);
    response.writeHead(204).end();
    take((event as { data: Schemas["OrderResponse"] }).data);
  } catch (fault) {
    if (!(fault instanceof WebhookRefused)) throw fault;
    response.writeHead(400).end(fault.message);
  }
});
await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
const endpoint = await expected(
  client.POST("/api/webhook_endpoints", {
    body: {
      url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`,
      event_types: ["order.credited"],
    },
  }),
);
secret = endpoint.secret;

// 4. An order. Under an Idempotency-Key it may be sent again after a broken connection.
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

// 5. A page for the buyer, to pay on. The sandbox pays the order by itself.
const page = await expected(
  client.POST("/api/orders/{order_id}/payment_page", {
    params: { path: { order_id: order.order_id } },
    body: {},
  }),
);
console.log(`the buyer pays at ${page.url}`);

// 6. Wait until Assay posts that the credits are there.
const { order_id, credits_granted } = await credited;
receiver.close();
receiver.closeAllConnections();
console.log(`${order_id}: ${credits_granted} credits`);

// 7. An assessment, for one credit, and its receipt: keep the bytes as they come.
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
