import { formatDuration, parseDuration } from "../lib/duration.ts";
import type { PlanStepInput, StepContext, StepForecast, StepResult } from "../model/step-kind.ts";
import { accept } from "../watch/fold.ts";
import { describeProbe, describeRule } from "../watch/rule.ts";
import type { Breach } from "../watch/verdict.ts";
import { defineStep } from "./define.ts";
import { openAnswers, type Answer, type Answers } from "./watch/answers.ts";
import { openSession, summaryOf, type SavedWatch, type Session, type Stop } from "./watch/session.ts";
import { watchSchema, type WatchSettings } from "./watch/schema.ts";

const DECISION_LIMIT_MS = 24 * 3_600_000;
const LAST_LOOK_MS = 60_000;
const RETRY_LOOK_MS = 250;

type WatchContext = StepContext<WatchSettings, null>;

/** Rules and probes over a window of time; without proof that all was good it does not pass. */
export const watch = defineStep({
  kind: "watch",
  version: 1,
  inRollback: false,
  summary: "Watches measured signals and addresses for a time, and rolls back at once when a rule is broken.",
  requirements: ["E3", "E4", "E5", "F1"],
  schema: watchSchema,
  example: `duration: 5m
rules:
  - { id: errors, signal: errorRatePercent, above: 1, for: 5s, minRequests: 100 }
  - { id: latency, signal: p95Ms, above: 800, for: 30s, onBreach: hold }
probes:
  - { id: health, path: /health, maxLatency: 1s, failures: 3 }
`,
  plan: forecast,
  observe,
  act,
});

function forecast({ with: settings, previousRelease }: PlanStepInput<WatchSettings, null>): StepForecast {
  const durationMs = parseDuration(settings.duration) ?? 0;
  const orphans =
    previousRelease === undefined ? settings.rules.filter((rule) => rule.of === "previous") : [];
  const asks =
    settings.onUnknown === "hold" ||
    [...settings.rules, ...settings.probes].some(({ onBreach }) => onBreach === "hold");
  return {
    summary: [
      `watches for ${settings.duration}, every ${settings.every}`,
      ...settings.rules.map((rule) => `${rule.id}: ${describeRule(rule)}`),
      ...settings.probes.map((probe) => `${probe.id}: ${describeProbe(probe)}`),
      ...orphans.map(
        (rule) => `${rule.id}: cannot be judged, there is no previous release; the watch will end as unknown`,
      ),
      settings.onUnknown === "hold"
        ? "asks a person when it ends without proof that all was good"
        : "fails when it ends without proof that all was good",
    ],
    risk: "low",
    durationMs,
    timeoutMs: durationMs + LAST_LOOK_MS + (asks ? DECISION_LIMIT_MS : 0),
    undo: { how: "none-needed", text: "only looks" },
    inputs: [],
    blocked: [],
  };
}

async function observe(context: WatchContext) {
  const ended = ((await context.loadState()) as SavedWatch | undefined)?.ended;
  if (ended?.outcome === "done")
    return { state: "done" as const, result: ended.result, reason: ended.reason };
  return { state: "absent" as const, reason: "looking does no harm; a watch that was begun goes on" };
}

async function act(context: WatchContext): Promise<StepResult> {
  const answers = openAnswers(context);
  const session = await openSession(context);
  const { ended, lastSignalId } = session.saved();
  if (ended !== null) {
    const retry = ended.outcome === "failed" ? await findRetry(answers, lastSignalId) : undefined;
    if (retry === undefined) return session.end(ended);
    await session.restart(retry.id);
  }
  for (;;) {
    context.signal.throwIfAborted();
    const stop = await lookUntil(session, answers, () => true);
    const result =
      (await settleAlone(context, session, stop)) ?? (await settleByAsking(context, session, answers, stop));
    if (result !== undefined) return session.end(result);
  }
}

/** A person had a failed watch repeated: then it begins anew. After a crash there is no such word, and it stays failed. */
async function findRetry(answers: Answers, lastSignalId: number): Promise<Answer | undefined> {
  await answers.sleep(RETRY_LOOK_MS);
  const answer = answers.after(lastSignalId);
  return answer?.as === "retry" ? answer : undefined;
}

/** Looks at every tick until something ends the watch that `matters` agrees to. */
async function lookUntil(session: Session, answers: Answers, matters: (stop: Stop) => boolean): Promise<Stop>;
async function lookUntil(
  session: Session,
  answers: Answers,
  matters: (stop: Stop) => boolean,
  answer: () => Answer | undefined,
): Promise<Stop | Answer>;
async function lookUntil(
  session: Session,
  answers: Answers,
  matters: (stop: Stop) => boolean,
  answer: () => Answer | undefined = () => undefined,
): Promise<Stop | Answer> {
  for (;;) {
    const given = answer();
    if (given !== undefined) return given;
    const waitMs = session.msToNextTick();
    if (waitMs > 0) {
      await answers.sleep(waitMs);
      continue;
    }
    const stop = await session.tick();
    if (stop !== undefined && matters(stop)) return stop;
  }
}

/** The outcome when no person is needed for it. */
async function settleAlone(
  { with: settings }: WatchContext,
  session: Session,
  stop: Stop,
): Promise<StepResult | undefined> {
  if (stop.why === "broken")
    return stop.breach.onBreach === "rollback" ? broken(session, stop.breach) : undefined;
  if (stop.verdict.verdict === "pass")
    return outcome(session, "done", "pass", `${watched(session)}: ${stop.verdict.reason}`);
  if (settings.onUnknown === "hold") return undefined;
  return outcome(session, "failed", "unknown", `not proven good: ${stop.verdict.reason}`);
}

/**
 * Asks a person, and goes on looking meanwhile: a rule that rolls back does so also then. Undefined when the
 * watch goes on after the answer.
 */
async function settleByAsking(
  context: WatchContext,
  session: Session,
  answers: Answers,
  stop: Stop,
): Promise<StepResult | undefined> {
  const question = questionOf(context, stop);
  // After a crash the question is the same one: an answer that came meanwhile counts.
  if (!session.saved().isAsking) await session.save({ isAsking: true, lastSignalId: answers.lastId() });
  const { lastSignalId } = session.saved();
  const given = await context.waiting({ for: "decision", text: question }, () =>
    lookUntil(session, answers, isRollback, () => answers.after(lastSignalId)),
  );
  if ("why" in given) return given.why === "broken" ? broken(session, given.breach) : undefined;
  await session.save({ isAsking: false, lastSignalId: given.id });
  const words = `${given.by}${given.note === "" ? "" : `: ${given.note}`}`;
  const what = stop.why === "broken" ? stop.breach.text : `not proven good: ${stop.verdict.reason}`;
  if (given.as === "failed")
    return outcome(session, "failed", "fail", `${what}; judged as failed by ${words}`);
  if (given.as === "retry") {
    await session.restart(given.id);
    return undefined;
  }
  if (stop.why === "over")
    return outcome(session, "done", "accepted", `${what}; accepted by ${words}`, given);
  const acceptance = { by: given.by, note: given.note, atMs: context.clock.now().getTime() };
  await session.save({ watch: accept(session.saved().watch, stop.breach.id, acceptance) });
  return undefined;
}

function isRollback(stop: Stop): boolean {
  return stop.why === "broken" && stop.breach.onBreach === "rollback";
}

function questionOf({ runId, stepId }: WatchContext, stop: Stop): string {
  const what =
    stop.why === "broken"
      ? stop.breach.text
      : `the watch is over and not proven good: ${stop.verdict.reason}`;
  return `${what}. Decide about ${stepId}: tminus resume ${runId} --as done (accept) | retry (watch again) | failed`;
}

function broken(session: Session, breach: Breach): StepResult {
  return outcome(session, "failed", "fail", breach.text);
}

function watched(session: Session): string {
  const { unwatchedMs } = session.saved().watch;
  const gap = unwatchedMs === 0 ? "" : `, of which ${formatDuration(unwatchedMs)} unseen`;
  return `watched for ${formatDuration(session.definition.durationMs)}${gap}`;
}

function outcome(
  session: Session,
  outcome: StepResult["outcome"],
  verdict: "pass" | "fail" | "unknown" | "accepted",
  reason: string,
  answer?: Answer,
): StepResult {
  const accepted = answer === undefined ? {} : { acceptedBy: answer.by, note: answer.note };
  return { outcome, reason, result: { verdict, ...accepted, ...summaryOf(session) } };
}
