import type { PageMessage, StepContext } from "../../model/step-kind.ts";
import { nextReminderAt, reminderNumber } from "../../model/reminder.ts";

type Ctx = Pick<StepContext<never>, "clock" | "page" | "signal" | "runId" | "release" | "environment">;

/** One that the run waits for. */
export interface DueItem {
  id: string;
  text: string;
  owner?: string | undefined;
  dueAt: Date;
}

/** One timer spans at most this much: longer ones overflow. */
const MAX_SLEEP_MS = 3_600_000;
/** After which a channel that was not reached is tried again. */
const RETRY_MS = 5 * 60_000;

/**
 * Tells people through the channels of the runbook of each item when it is due, and again as long as it is open, each
 * reminder once whatever crashes. `open` gives those that are not attested now. Ends when there is none, and with `closing`.
 */
export async function remindWhenDue(ctx: Ctx, open: () => DueItem[], closing: AbortSignal): Promise<void> {
  for (;;) {
    const now = ctx.clock.now();
    let isUndelivered = false;
    for (const item of open()) {
      const number = reminderNumber(item.dueAt, now);
      if (number === undefined) continue;
      const told = await tell(ctx, `due-${item.id}-${number}`, messageOf(ctx, item));
      isUndelivered ||= !told;
    }
    const next = Math.min(...open().map(({ dueAt }) => nextReminderAt(dueAt, now).getTime()));
    if (closing.aborted || next === Infinity) return;
    const leftMs = Math.max(next - ctx.clock.now().getTime(), 1);
    await ctx.clock.sleep(Math.min(leftMs, isUndelivered ? RETRY_MS : MAX_SLEEP_MS), closing);
  }
}

/** False when a channel was not reached: the same page, asked for again, tries those alone. */
async function tell(ctx: Ctx, key: string, message: PageMessage): Promise<boolean> {
  try {
    return (await ctx.page(key, message)).undelivered.length === 0;
  } catch {
    ctx.signal.throwIfAborted();
    return false; // the state did not answer: it is asked again
  }
}

function messageOf({ runId, release, environment }: Ctx, { id, text, owner, dueAt }: DueItem): PageMessage {
  return {
    title: `${owner === undefined ? "" : `${owner}: `}${id} is due`,
    text: `${release} in ${environment.name} waits for it since ${dueAt.toISOString()}: ${text}. Attest it: tminus ack ${id} ${runId}`,
  };
}
