// Verification of webhooks: the signatures of the Standard Webhooks specification, 1.0.0.

/** How old or how far ahead of this machine's clock a message may be, in seconds. */
export const TOLERANCE_SECONDS = 300;

/** The request is not one that Assay signed with this secret, lately; the message says why. */
export class WebhookRefused extends Error {}

/**
 * Returns the event in a webhook's body, once its signature is verified.
 *
 * `body` is the request's body as it came, byte for byte. `secret` is the endpoint's, with its
 * prefix `whsec_`. `now` is in seconds since 1970. Throws WebhookRefused. The same `webhook-id`
 * may come more than once: keep it, and do nothing the second time.
 */
export async function verifyWebhook(
  body: string | Uint8Array,
  headers: Headers | Record<string, string>,
  secret: string,
  now: number = Date.now() / 1000,
): Promise<unknown> {
  const named = new Headers(headers);
  const [id, sentAt, signatures] = ["webhook-id", "webhook-timestamp", "webhook-signature"].map(
    (name) => {
      const value = named.get(name);
      if (value === null) throw new WebhookRefused(`the header ${name} is missing`);
      return value;
    },
  ) as [string, string, string];
  if (!/^[0-9]+$/.test(sentAt)) {
    throw new WebhookRefused("webhook-timestamp is no number of seconds");
  }
  if (Math.abs(now - Number(sentAt)) > TOLERANCE_SECONDS) {
    throw new WebhookRefused(`webhook-timestamp is more than ${TOLERANCE_SECONDS} seconds off`);
  }
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const head = new TextEncoder().encode(`${id}.${sentAt}.`);
  const signed = new Uint8Array(head.length + bytes.length);
  signed.set(head);
  signed.set(bytes, head.length);
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const raw = decode(secret.replace(/^whsec_/, ""));
  if (raw === null) throw new TypeError("secret: expected whsec_ and then base64");
  const key = await crypto.subtle.importKey("raw", raw, algorithm, false, ["verify"]);
  for (const one of signatures.split(" ")) {
    const signature = one.startsWith("v1,") ? decode(one.slice(3)) : null;
    // Compares in constant time.
    if (signature !== null && (await crypto.subtle.verify("HMAC", key, signature, signed))) {
      return JSON.parse(new TextDecoder().decode(bytes));
    }
  }
  throw new WebhookRefused("no signature is of this body and this secret");
}

function decode(base64: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}
