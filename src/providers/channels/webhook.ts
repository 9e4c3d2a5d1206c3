import * as z from "zod";
import { TminusError } from "../../errors.ts";
import { parseDuration } from "../../lib/duration.ts";
import { request } from "../../lib/http.ts";
import type { Secret } from "../../lib/redact.ts";
import type { NotificationChannel } from "../../model/ports.ts";
import { durationSchema, referenceSchema } from "../../model/runbook.ts";

/** Settings of a channel of the kind webhook, beside its id and kind. */
export const webhookChannelSchema = z.strictObject({
  url: referenceSchema.describe("Reference of the address that gets a POST: env:OPS_WEBHOOK_URL"),
  timeout: durationSchema.default("10s").describe("Time limit of one delivery"),
});

export interface WebhookChannelOptions {
  id: string;
  settings: z.output<typeof webhookChannelSchema>;
  /** What `settings.url` refers to. */
  url: Secret;
}

/**
 * Posts each message as JSON (key, title, text, facts), its key also as Idempotency-Key. Redirects are not
 * followed. `send` throws CHANNEL_UNDELIVERED; the address, which often holds a token, is in no message.
 */
export function createWebhookChannel({ id, settings, url }: WebhookChannelOptions): NotificationChannel {
  const undelivered = (what: string): TminusError =>
    new TminusError("CHANNEL_UNDELIVERED", `${id} (${url.reference}) ${what}`, { details: { channel: id } });
  return {
    id,
    kind: "webhook",
    async send(message, signal) {
      const address = url.reveal();
      if (!/^https?:\/\//i.test(address) || !URL.canParse(address))
        throw undelivered("is not an http(s) address");
      const answer = await request({
        url: address,
        method: "POST",
        headers: {
          "content-type": "application/json",
          "idempotency-key": message.key,
          "user-agent": "tminus",
        },
        body: JSON.stringify(message),
        timeoutMs: parseDuration(settings.timeout)!,
        signal,
        maxBodyBytes: 4096,
      });
      if (answer.kind === "timeout") throw undelivered(`did not answer within ${settings.timeout}`);
      if (answer.kind === "network-error") throw undelivered(`could not be reached (${answer.code})`);
      if (answer.status < 200 || answer.status > 299) throw undelivered(`answered ${answer.status}`);
    },
  };
}
