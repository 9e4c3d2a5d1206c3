import { deliver } from "../steps/notify/deliver.ts";
import { toErrorRecord } from "../errors.ts";
import type { PageMessage, PageReport } from "../model/step-kind.ts";
import { stepKey, type RunExecution } from "./execution.ts";
import type { EnginePorts } from "./ports.ts";
import { page } from "./page.ts";

/** No step's id has this sign. */
const SUBJECT = "#run";
const KEY = "unanchored";
/** Before the second and third try, after the end of the run. */
const PAUSES_MS = [500, 2_000];
const SEND_LIMIT_MS = 10_000;
const NOBODY: PageReport = { delivered: [], undelivered: [] };

/**
 * Writes the head of the project's log down outside after a verdict, beside what follows: a rollback does not wait for it,
 * the end of the run does. That it failed is written into the run's log, and people are paged.
 */
export function anchorVerdict(context: RunExecution): void {
  const { ports, pages, run, lost } = context;
  const anchoring = async (): Promise<PageReport> => {
    const reason = await tryToAnchor(run.id, ports, lost);
    if (reason === undefined) return NOBODY;
    return page(context, SUBJECT, KEY, messageOf(context, reason));
  };
  pages.set(
    `${SUBJECT}/anchor`,
    anchoring().catch((error: unknown) => {
      ports.log(`run ${run.id}: anchoring after the verdict: ${toErrorRecord(error).message}`);
      return NOBODY;
    }),
  );
}

/**
 * The same after the end of the run, by when nothing can be fenced any more: a page is sent as well as it can be, and may
 * be lost in a crash. Never rejects: the run has ended.
 */
export async function anchorEnd(context: RunExecution): Promise<void> {
  const { ports, run, lost, environment } = context;
  try {
    const reason = await tryToAnchor(run.id, ports, lost);
    if (reason === undefined) return;
    const { title, text } = messageOf(context, reason);
    const redact = (said: string): string => environment.redactor.redact(said);
    const facts = {
      run: run.id,
      release: run.plan.release,
      environment: run.environment,
      url: environment.view.url,
    };
    await Promise.all(
      Object.values(environment.channels).map(async (channel) => {
        const key = `${stepKey(run.id, `${SUBJECT}/page/${KEY}-end`)}:${channel.id}`;
        const failure = await deliver(
          channel,
          { key, title: redact(title), text: redact(text), facts },
          {
            clock: ports.clock,
            signal: lost,
            redact,
            pausesMs: PAUSES_MS,
            limitMs: SEND_LIMIT_MS,
            from: SUBJECT,
          },
        );
        if (failure !== undefined) ports.log(`run ${run.id}: ${channel.id} was not told: ${failure}`);
      }),
    );
  } catch (error) {
    ports.log(`run ${run.id}: anchoring after the end: ${toErrorRecord(error).message}`);
  }
}

/** For a run whose worker died between its end and the anchor. Never rejects. */
export async function anchorEndedRun(runId: string, ports: EnginePorts, stop: AbortSignal): Promise<void> {
  await tryToAnchor(runId, ports, stop).catch((error: unknown) =>
    ports.log(`run ${runId}: anchoring after the end: ${toErrorRecord(error).message}`),
  );
}

/** Why it failed, which is in the logs then. */
async function tryToAnchor(
  runId: string,
  { anchor, journal }: EnginePorts,
  signal: AbortSignal,
): Promise<string | undefined> {
  const reason = await anchor(runId, signal);
  if (reason === undefined) return undefined;
  signal.throwIfAborted(); // not the place's fault
  await journal.recordUnanchored(runId, { reason });
  return reason;
}

function messageOf({ run }: RunExecution, reason: string): PageMessage {
  return {
    title: `The history of ${run.plan.project} could not be written down outside`,
    text: `${reason}\nUntil it is, a change of the newest entries by the owner of the state would not be found. It is tried again at the next verdict and end of a run.`,
  };
}
