// What `verifyWebhook` of clients/typescript takes and refuses, by the specification's example.
import { verifyWebhook, WebhookRefused } from "assay-client";

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const at = 1614265330;
const body = '{"test": 2432232314}';
const signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
const headers = {
  "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
  "webhook-timestamp": `${at}`,
  "webhook-signature": signature,
};

async function refused(asked: Promise<unknown>, why: string): Promise<void> {
  try {
    await asked;
  } catch (fault) {
    if (fault instanceof WebhookRefused && fault.message.includes(why)) return;
    throw fault;
  }
  throw new Error(`not refused: ${why}`);
}

const two = { ...headers, "webhook-signature": `v1,AAAA ${signature}` };
for (const taken of [headers, two, new Headers(headers)]) {
  const event = await verifyWebhook(body, taken, secret, at + 300);
  if (JSON.stringify(event) !== '{"test":2432232314}') throw new Error("another event");
}
await verifyWebhook(new TextEncoder().encode(body), headers, secret, at - 300);
await refused(verifyWebhook(`${body} `, headers, secret, at), "no signature");
await refused(verifyWebhook(body, headers, "whsec_AAAA", at), "no signature");
await refused(
  verifyWebhook(body, { ...headers, "webhook-signature": "v1,ä" }, secret, at),
  "no signature",
);
await refused(verifyWebhook(body, headers, secret, at + 301), "seconds off");
await refused(verifyWebhook(body, { ...headers, "webhook-timestamp": "soon" }, secret, at), "number");
await refused(verifyWebhook(body, { "webhook-id": "msg_1" }, secret, at), "is missing");
