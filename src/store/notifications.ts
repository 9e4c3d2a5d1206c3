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

/** Errors: what the first connection fails with. Later losses are repaired and reported by nobody: callers also poll. */
export async function openNotifications(connectionString: string, clock: Clock): Promise<Notifications> {
  const listeners = new Map<Channel, Set<(payload: string) => void>>(
    CHANNELS.map((channel) => [channel, new Set()]),
  );
  const tell = (channel: Channel, payload: string): void => {
    for (const listener of listeners.get(channel) ?? []) listener(payload);
  };
  const closing = new AbortController();
  let current = await listen(connectionString, tell);
  const keeping = keepListening();

  async function keepListening(): Promise<void> {
    while (!closing.signal.aborted) {
      await current.ended;
      await clock.sleep(RECONNECT_MS, closing.signal).catch(() => undefined); // the loop's condition ends it
      if (closing.signal.aborted) return;
      const next = await listen(connectionString, tell).catch(() => undefined); // still away: again after the pause
      if (next === undefined) continue;
      current = next;
      if (!closing.signal.aborted) for (const channel of CHANNELS) tell(channel, "");
    }
  }

  return {
    subscribe(channel, listener) {
      listeners.get(channel)!.add(listener);
      return () => listeners.get(channel)!.delete(listener);
    },
    async close() {
      closing.abort(new Error("closing"));
      await current.client.end();
      await keeping;
      await current.client.end(); // the one that was being opened meanwhile; safe to repeat
    },
  };
}

interface Listening {
  client: Client;
  /** Resolves when the connection is gone. */
  ended: Promise<void>;
}

async function listen(
  connectionString: string,
  tell: (channel: Channel, payload: string) => void,
): Promise<Listening> {
  const client = await openClient(connectionString);
  const ended = new Promise<void>((resolve) => client.once("end", () => resolve()));
  client.on("notification", ({ channel, payload }) => tell(channel as Channel, payload ?? ""));
  try {
    for (const channel of CHANNELS) await client.query(`listen ${channel}`);
  } catch (error) {
    await client.end();
    throw error;
  }
  return { client, ended };
}
