import { TminusError } from "../errors.ts";
import type { NotificationChannel } from "../model/ports.ts";
import { channelKinds, type ChannelPorts } from "../providers/channels/registry.ts";
import type { EnvironmentContext } from "./run-context.ts";

/** The channels of a runbook by id. Throws SECRET_MISSING. */
export function openChannels(
  { channels }: Pick<EnvironmentContext, "channels">,
  ports: ChannelPorts,
): Record<string, NotificationChannel> {
  const opened: Record<string, NotificationChannel> = {};
  for (const { id, kind, ...config } of channels) {
    const found = channelKinds[kind];
    if (found === undefined) throw new TminusError("RUNBOOK_INVALID", `there is no channel kind ${kind}`);
    opened[id] = found.open(id, config, ports);
  }
  return opened;
}
