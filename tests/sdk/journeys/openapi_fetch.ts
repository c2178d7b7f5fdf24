// The journey of a buyer with openapi-fetch and the types of openapi-typescript, tsc --strict.
import { writeFileSync } from "node:fs";
import createClient from "openapi-fetch";
import type { components, paths } from "./openapi_typescript_made";

type Problem = components["schemas"]["Problem"];

const baseUrl = process.env.ASSAY_URL!;
const email = `${process.env.BUYER!}@example.com`;
const password = "correct horse battery";
const question = {
  assessment_type: "address" as const,
  address: "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
  currency: "BTC",
};

function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

async function refused(
  asked: Promise<{ error?: Problem | components["schemas"]["OrderProblem"] }>,
  code: string,
): Promise<void> {
  const problem = (await asked).error;
  check(problem?.code === code, `expected ${code}, got ${JSON.stringify(problem)}`);
}

async function got<T>(asked: Promise<{ data?: T; error?: unknown }>): Promise<T> {
  const answer = await asked;
  check(answer.data !== undefined, `refused: ${JSON.stringify(answer.error)}`);
  return answer.data;
}

async function signUp() {
  const nobody = createClient<paths>({ baseUrl });
  const body = { email, password };
  await got(nobody.POST("/api/register", { body }));
  await refused(nobody.POST("/api/register", { body }), "email_taken");
  const session = await got(nobody.POST("/api/login", { body }));
  const headers = { Authorization: `Bearer ${session.session_token}` };
  const bearer = createClient<paths>({ baseUrl, headers });
  const key = await got(bearer.POST("/api/api_keys", { body: {} }));
  return createClient<paths>({ baseUrl, headers: { "X-API-KEY": key.api_key } });
}

type Client = Awaited<ReturnType<typeof signUp>>;

async function buy(client: Client) {
  const price = await got(client.POST("/api/check_price", { body: { number_of_credits: 10 } }));
  check(price.prices.map((each) => each.rail).sort().join() === "aeonto,bitcoin", "two prices");
  const made: string[] = [];
  for (const [payment_coin, payment_network] of [["Aeon", "AEON"], ["Bitcoin", "BTC"]] as const) {
    const body = { number_of_credits: 10, payment_coin, payment_network, order_is_for_self: true };
    const params = { header: { "Idempotency-Key": `${email}-${payment_network}` } };
    const order = await got(client.POST("/api/new_order", { body, params }));
    const again = await got(client.POST("/api/new_order", { body, params }));
    check(again.order_id === order.order_id, "one order under one key");
    const other = { ...body, number_of_credits: 11 };
    await refused(client.POST("/api/new_order", { body: other, params }), "idempotency_key_reused");
    const path = { order_id: order.order_id };
    const link = await got(
      client.POST("/api/orders/{order_id}/payment_page", {
        params: { path },
        body: { expires_in_seconds: 3600 },
      }),
    );
    check((await fetch(link.url)).ok, "a page to pay on");
    made.push(order.order_id);
  }
  const deadline = Date.now() + 450_000;
  for (const order_id of made) {
    for (;;) {
      const order = await got(client.POST("/api/check_order_status", { body: { order_id } }));
      if (order.credits_granted === 10) break;
      check(Date.now() < deadline, `${order_id} is still ${order.status}`);
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
  const first = await got(client.GET("/api/orders", { params: { query: { limit: 1 } } }));
  check(first.next_cursor !== null, "a second page");
  const query = { limit: 1, cursor: first.next_cursor };
  const second = await got(client.GET("/api/orders", { params: { query } }));
  check(second.next_cursor === null, "no third page");
}

async function assess(client: Client) {
  const code = await got(client.POST("/api/access_codes", { body: { credits: 3 } }));
  const access_code = code.access_code;
  // `fresh` is left out in one, for it is optional.
  const made = await got(
    client.POST("/api/create_new_assessment_for_access_code", { body: { ...question, access_code } }),
  );
  const questions = [{ ...question, fresh: true }, { ...question, address: "malformed" }];
  const batch = await got(
    client.POST("/api/create_new_assessments_for_access_code", { body: { access_code, questions } }),
  );
  check(batch.credits_charged === 1, "one of two is paid");
  check(batch.outcomes[1]?.error?.code === "invalid_parameter", "the other is at fault");
  const path = "/api/assessments/{assessment_id}/receipt";
  const params = { path: { assessment_id: made.assessment_id } };
  const receipt = await got(client.GET(path, { params, parseAs: "arrayBuffer" }));
  writeFileSync(process.env.RECEIPT!, Buffer.from(receipt));
  const unknown = { path: { assessment_id: "asm_unknown" } };
  await refused(client.GET(path, { params: unknown }), "not_found");
  const body = { ...question, access_code, fresh: true };
  await got(client.POST("/api/create_new_assessment_for_access_code", { body }));
  await refused(
    client.POST("/api/create_new_assessment_for_access_code", { body }),
    "insufficient_credits",
  );
}

const client = await signUp();
await buy(client);
await assess(client);
const own = await got(client.GET("/api/check_self_status"));
check(own.credits_available === 17, "17 credits left");
const body = { order_id: "nothing" };
await refused(client.POST("/api/check_order_status", { body }), "invalid_order_id");
const wrong = createClient<paths>({ baseUrl, headers: { "X-API-KEY": "ak_wrong" } });
await refused(wrong.GET("/api/check_self_status"), "invalid_api_key");
