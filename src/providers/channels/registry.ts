import type * as z from "zod";
import type { Secret } from "../../lib/redact.ts";
import type { NotificationChannel } from "../../model/ports.ts";
import { consoleChannelSchema, createConsoleChannel } from "./console.ts";
import { createWebhookChannel, webhookChannelSchema } from "./webhook.ts";

export interface ChannelPorts {
  /** Throws SECRET_MISSING. */
  secret: (reference: string) => Secret;
  /** Where console channels write. */
  writeLine: (line: string) => void;
}

export interface ChannelKind {
  /** Of the channel's settings beside its id and kind. */
  schema: z.ZodType;
  /** `settings` as written or as parsed. Errors: SECRET_MISSING. */
  open(id: string, settings: unknown, ports: ChannelPorts): NotificationChannel;
}

/** Every kind of channel that a runbook may name. */
export const channelKinds: Readonly<Record<string, ChannelKind>> = {
  console: {
    schema: consoleChannelSchema,
    open: (id, _settings, { writeLine }) => createConsoleChannel({ id, write: writeLine }),
  },
  webhook: {
    schema: webhookChannelSchema,
    open(id, settings, { secret }) {
      const parsed = webhookChannelSchema.parse(settings);
      return createWebhookChannel({ id, settings: parsed, url: secret(parsed.url) });
    },
  },
};
