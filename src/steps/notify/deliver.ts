import { deadline, type Clock } from "../../lib/clock.ts";
import { crashPoint } from "../../lib/crash-point.ts";
import type { NotificationChannel, NotificationMessage } from "../../model/ports.ts";

export interface DeliveryOptions {
  clock: Clock;
  signal: AbortSignal;
  redact: (text: string) => string;
  /** Before the second and each further try. */
  pausesMs: readonly number[];
  /** Of one try. */
  limitMs: number;
  /** Who tells it, for the crash tests. */
  from: string;
  /** Told the number of each try, from 1. */
  onTry?: (number: number) => void;
}

/**
 * Sends one message through one channel, a few times under the same key if need be. Undefined when it was delivered,
 * else why the last try failed, redacted. Throws the signal's reason and nothing else.
 */
export async function deliver(
  channel: NotificationChannel,
  message: NotificationMessage,
  { clock, signal, redact, pausesMs, limitMs, from, onTry }: DeliveryOptions,
): Promise<string | undefined> {
  let failure = "";
  for (let attempt = 0; attempt <= pausesMs.length; attempt++) {
    if (attempt > 0) await clock.sleep(pausesMs[attempt - 1]!, signal);
    onTry?.(attempt + 1);
    crashPoint("notify.before-send", `${from} ${channel.id}`);
    try {
      await channel.send(message, deadline(limitMs, signal));
      crashPoint("notify.after-send", `${from} ${channel.id}`);
      return undefined;
    } catch (error) {
      // An unreachable channel is an expected outcome: it is counted, retried, and reported by name.
      signal.throwIfAborted();
      failure = redact(error instanceof Error ? error.message : String(error));
    }
  }
  return failure;
}
