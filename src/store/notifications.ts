import type { Clock } from "../lib/clock.ts";
import { openClient, type Client } from "./pool.ts";

export type Channel = "tminus_event" | "tminus_signal" | "tminus_run";

/** What Postgres tells through LISTEN/NOTIFY, on one connection that is opened again when it is lost. */
export interface Notifications {
  /**
   * Calls `listener` with each payload. After a lost connection was restored it is called once with an empty
   * payload, because something may have been missed. Returns the function that unsubscribes.
   */
  subscribe(channel: Channel, listener: (payload: string) => void): () => void;
  close(): Promise<void>;
}

const CHANNELS: readonly Channel[] = ["tminus_event", "tminus_signal", "tminus_run"];
const RECONNECT_MS = 500;

export async function openNotifications(connectionString: string, clock: Clock): Promise<Notifications> {
  const listeners = new Map<Channel, Set<(payload: string) => void>>(
    CHANNELS.map((channel) => [channel, new Set()]),
  );
  const closing = new AbortController();
  let client = await listen();

  async function listen(): Promise<Client> {
    const opened = await openClient(connectionString);
    opened.on("notification", ({ channel, payload }) => {
      for (const listener of listeners.get(channel as Channel) ?? []) listener(payload ?? "");
    });
    // An error on an idle connection is followed by "end"; without a listener it would end the process.
    opened.on("error", () => undefined);
    opened.on("end", () => void reconnect());
    for (const channel of CHANNELS) await opened.query(`listen ${channel}`);
    return opened;
  }

  async function reconnect(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        await clock.sleep(RECONNECT_MS, closing.signal);
        client = await listen();
        for (const set of listeners.values()) for (const listener of set) listener("");
        return;
      } catch {
        // Still away: callers also poll, and their own queries report the failure.
      }
    }
  }

  return {
    subscribe(channel, listener) {
      listeners.get(channel)!.add(listener);
      return () => listeners.get(channel)!.delete(listener);
    },
    async close() {
      closing.abort(new Error("closing"));
      await client.end();
    },
  };
}
