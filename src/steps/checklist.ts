import { formatDuration, formatOffset, parseDuration } from "../lib/duration.ts";
import type { StepContext, StepTask } from "../model/step-kind.ts";
import { attest, type Attestation } from "./checklist/attestation.ts";
import { remindWhenDue, type DueItem } from "./checklist/remind-when-due.ts";
import {
  checklistSchema,
  dueMsOf,
  isWaitedFor,
  type ChecklistItem,
  type ChecklistSettings,
} from "./checklist/schema.ts";
import { defineStep } from "./define.ts";
import { durableDeadline } from "./durable-deadline.ts";
import { readAnswers } from "./read-answers.ts";

type Ctx = StepContext<ChecklistSettings, null>;

const DEFAULT_TIMEOUT_MS = 7 * 24 * 3_600_000;
/** The checklist's own time limit ends it with a sentence; the step's comes this much later. */
const MARGIN_MS = 60_000;
/** When a task is due for which the runbook names no time, after T-0. */
const TASK_DUE_MS = 24 * 3_600_000;

/** Waits until people have attested every required item. */
export const checklist = defineStep({
  kind: "checklist",
  version: 1,
  inRollback: false,
  changesNothing: true,
  summary:
    "Waits until named persons have attested every required item, with a note or a file where that is asked for, and reminds them when one is due. What it does not wait for becomes a task when the run has succeeded.",
  requirements: ["B7"],
  schema: checklistSchema,
  example: `items:
  - { id: support-told, text: Support knows about the release, owner: lena, due: T-30m, evidence: note }
  - { id: errors-looked-at, text: No new kinds of errors since yesterday, owner: max, due: T+24h }
`,

  plan({ with: { items, timeout } }) {
    const limitMs = timeout === undefined ? DEFAULT_TIMEOUT_MS : parseDuration(timeout)!;
    return {
      summary: items.map(forecastOf),
      risk: "low",
      durationMs: 0,
      timeoutMs: limitMs + MARGIN_MS,
      undo: { how: "none-needed", text: "attestations change nothing" },
      inputs: [],
      blocked: [],
    };
  },

  async observe() {
    return { state: "absent", reason: "attestations are counted from the inbox again; none is lost" };
  },

  async act(ctx) {
    const { items } = ctx.with;
    const limitMs = ctx.with.timeout === undefined ? DEFAULT_TIMEOUT_MS : parseDuration(ctx.with.timeout)!;
    const until = await durableDeadline(ctx, limitMs);
    const attested = new Map<string, Attestation>();
    const missing = (): string[] =>
      items.filter((item) => isWaitedFor(item) && !attested.has(item.id)).map(({ id }) => id);
    const what = {
      for: "attestation",
      text: items.map((item) => askedText(item, ctx.zeroAt)).join("; "),
      until: until.toISOString(),
    } as const;

    if (missing().length > 0) {
      const complete = await ctx.waiting(what, () =>
        reminding(ctx, missing, () =>
          readAnswers(ctx, until, (signal) => {
            attest(attested, items, signal);
            ctx.progress(
              missing().length === 0 ? "all items are attested" : `waits for ${missing().join(", ")}`,
            );
            return missing().length === 0 ? true : undefined;
          }),
        ),
      );
      if (complete === undefined) {
        const reason = `not attested within ${formatDuration(limitMs)}: ${missing().join(", ")}`;
        return {
          outcome: "failed",
          reason,
          result: { attested: [...attested.values()], missing: missing() },
        };
      }
    }
    const result = { attested: [...attested.values()], missing: [] };
    await ctx.evidence("attestations", JSON.stringify(result.attested, undefined, 2));
    const names = [...new Set(result.attested.map(({ by }) => by))].join(", ");
    return { outcome: "done", reason: names === "" ? "no item is required" : `attested by ${names}`, result };
  },

  leaves({ with: { items }, stepId, signals, zeroAt }): StepTask[] {
    const attested = new Map<string, Attestation>();
    for (const signal of signals)
      if (signal.body.kind === "attest" && signal.body.stepId === stepId) attest(attested, items, signal);
    return items
      .filter((item) => !isWaitedFor(item) && !attested.has(item.id))
      .map((item) => ({
        id: item.id,
        text: item.text,
        ...(item.owner === undefined ? {} : { owner: item.owner }),
        evidence: item.evidence,
        dueAt: new Date(zeroAt.getTime() + (dueMsOf(item) ?? TASK_DUE_MS)),
      }));
  },
});

/** Waits with `wait`, and reminds people meanwhile of those that are missing. */
async function reminding<T>(ctx: Ctx, missing: () => string[], wait: () => Promise<T>): Promise<T> {
  const closing = new AbortController();
  const open = (): DueItem[] =>
    ctx.with.items.flatMap((item) => {
      const dueAt = dueAtOf(item, ctx.zeroAt);
      return dueAt === undefined || !missing().includes(item.id) ? [] : [{ ...item, dueAt }];
    });
  // Whoever has lost the run or was aborted hears of it from what waits, which ends by it.
  remindWhenDue(ctx, open, AbortSignal.any([closing.signal, ctx.signal])).catch(() => undefined);
  try {
    return await wait();
  } finally {
    closing.abort(new Error("answered"));
  }
}

/** Undefined when it is due at no time, or before T-0 is known. */
function dueAtOf(item: ChecklistItem, zeroAt: Date | undefined): Date | undefined {
  const dueMs = dueMsOf(item);
  return dueMs === undefined || zeroAt === undefined ? undefined : new Date(zeroAt.getTime() + dueMs);
}

function askedText(item: ChecklistItem, zeroAt: Date | undefined): string {
  const { id, text, due } = item;
  const dueAt = dueAtOf(item, zeroAt);
  const said = [
    isWaitedFor(item) ? "" : "optional",
    due === undefined ? "" : `due ${dueAt?.toISOString() ?? due}`,
    demandText(item),
  ].filter((word) => word !== "");
  return `${id}: ${text}${said.length === 0 ? "" : ` (${said.join(", ")})`}`;
}

function forecastOf(item: ChecklistItem): string {
  const { id, text, owner } = item;
  const dueMs = dueMsOf(item);
  const said = [
    owner ?? "",
    dueMs === undefined ? "" : `due ${formatOffset(dueMs)}`,
    demandText(item),
    isWaitedFor(item) ? "" : "a task when the run ends without it",
  ].filter((word) => word !== "");
  return `${isWaitedFor(item) ? "asks for" : "offers"} ${id}: ${text}${said.length === 0 ? "" : ` (${said.join(", ")})`}`;
}

function demandText({ evidence }: ChecklistItem): string {
  return evidence === "note" ? "with a note" : evidence === "attachment" ? "with a file" : "";
}
