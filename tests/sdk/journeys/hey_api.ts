// The journey of a buyer with the client that @hey-api/openapi-ts made, under tsc --strict.
import { writeFileSync } from "node:fs";
import { createClient } from "./hey_api_made/client";
import * as api from "./hey_api_made";
import type { Problem } from "./hey_api_made";

const url = process.env.ASSAY_URL!;
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

async function refused(asked: Promise<{ error?: unknown }>, code: string): Promise<void> {
  const problem = (await asked).error as Problem | undefined;
  check(problem?.code === code, `expected ${code}, got ${JSON.stringify(problem)}`);
}

async function got<T>(asked: Promise<{ data?: T; error?: unknown }>): Promise<T> {
  const answer = await asked;
  check(answer.data !== undefined, `refused: ${JSON.stringify(answer.error)}`);
  return answer.data;
}

async function signUp() {
  const nobody = createClient({ baseUrl: url });
  const body = { email, password };
  await got(api.register({ client: nobody, body }));
  await refused(api.register({ client: nobody, body }), "email_taken");
  const session = await got(api.login({ client: nobody, body }));
  const bearer = createClient({
    baseUrl: url,
    auth: (scheme) => (scheme.scheme === "bearer" ? session.session_token : undefined),
  });
  const key = await got(api.createApiKey({ client: bearer, body: {} }));
  return createClient({
    baseUrl: url,
    auth: (scheme) => (scheme.type === "apiKey" ? key.api_key : undefined),
  });
}

type Client = Awaited<ReturnType<typeof signUp>>;

async function buy(client: Client) {
  const price = await got(api.checkPrice({ client, body: { number_of_credits: 10 } }));
  check(price.prices.map((each) => each.rail).sort().join() === "aeonto,bitcoin", "two prices");
  const made: string[] = [];
  for (const [payment_coin, payment_network] of [["Aeon", "AEON"], ["Bitcoin", "BTC"]] as const) {
    const body = { number_of_credits: 10, payment_coin, payment_network, order_is_for_self: true };
    const headers = { "Idempotency-Key": `${email}-${payment_network}` };
    const order = await got(api.newOrder({ client, body, headers }));
    const again = await got(api.newOrder({ client, body, headers }));
    check(again.order_id === order.order_id, "one order under one key");
    const other = { ...body, number_of_credits: 11 };
    await refused(api.newOrder({ client, body: other, headers }), "idempotency_key_reused");
    made.push(order.order_id);
  }
  const deadline = Date.now() + 450_000;
  for (const order_id of made) {
    for (;;) {
      const order = await got(api.checkOrderStatus({ client, body: { order_id } }));
      if (order.credits_granted === 10) break;
      check(Date.now() < deadline, `${order_id} is still ${order.status}`);
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
  const first = await got(api.listOrders({ client, query: { limit: 1 } }));
  check(first.next_cursor !== null, "a second page");
  const second = await got(
    api.listOrders({ client, query: { limit: 1, cursor: first.next_cursor } }),
  );
  check(second.next_cursor === null, "no third page");
}

async function assess(client: Client) {
  const code = await got(api.createAccessCode({ client, body: { credits: 3 } }));
  const access_code = code.access_code;
  const ask = (fresh: boolean) =>
    api.createNewAssessmentForAccessCode({ client, body: { ...question, access_code, fresh } });
  const made = await got(ask(false));
  const questions = [
    { ...question, fresh: true },
    { ...question, address: "malformed" },
  ];
  const batch = await got(
    api.createNewAssessmentsForAccessCode({ client, body: { access_code, questions } }),
  );
  check(batch.credits_charged === 1, "one of two is paid");
  check(batch.outcomes[1]?.error?.code === "invalid_parameter", "the other is at fault");
  const path = { assessment_id: made.assessment_id };
  const receipt = await got(api.getReceipt({ client, path, parseAs: "arrayBuffer" }));
  writeFileSync(process.env.RECEIPT!, Buffer.from(receipt as ArrayBuffer));
  await refused(api.getReceipt({ client, path: { assessment_id: "asm_unknown" } }), "not_found");
  await got(ask(true));
  await refused(ask(true), "insufficient_credits");
}

const client = await signUp();
await buy(client);
await assess(client);
const own = await got(api.checkSelfStatus({ client }));
check(own.credits_available === 17, "17 credits left");
await refused(api.checkOrderStatus({ client, body: { order_id: "nothing" } }), "invalid_order_id");
const wrong = createClient({ baseUrl: url, auth: () => "ak_wrong" });
await refused(api.checkSelfStatus({ client: wrong }), "invalid_api_key");
