// Client of Assay's HTTP API. `schema.ts` is generated; this file and `webhooks.ts` are not.
import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./schema.js";

export type { components, paths } from "./schema.js";
export { verifyWebhook, WebhookRefused } from "./webhooks.js";

/** What the API takes and answers, by name: `Schemas["OrderResponse"]`. */
export type Schemas = components["schemas"];

/** Returns a client that shows an API key with every request; without one, nobody's. */
export function connect(baseUrl: string, apiKey?: string): Client<paths> {
  const headers = apiKey === undefined ? {} : { "X-API-KEY": apiKey };
  return createClient<paths>({ baseUrl, headers });
}
