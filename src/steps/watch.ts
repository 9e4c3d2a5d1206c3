import { formatDuration } from "../lib/duration.ts";
import { watchDecisions } from "../model/decision.ts";
import type { StepResult } from "../model/step-kind.ts";
import { endMsOf } from "../watch/fold/watch-state.ts";
import { defineStep } from "./define.ts";
import { openAnswers, type Answer, type Answers } from "./watch/answers.ts";
import { curedWatch } from "./watch/cured.ts";
import { isGating } from "../watch/fold/definition.ts";
import { whyNotEarly } from "./watch/early-end.ts";
import { forecastWatch, gatherWatch } from "./watch/forecast.ts";
import type { Acceptance, SavedWatch } from "./watch/saved-watch.ts";
import type { WatchContext } from "./watch/facts.ts";
import { openSession, type Session } from "./watch/session.ts";
import { watchSchema } from "./watch/schema.ts";
import { watched } from "./watch/watched.ts";
import { failedRuleOf, strictText, type Stop } from "./watch/stop.ts";

const RETRY_LOOK_MS = 250;

/** Rules over a window of time; without proof that all was good it does not pass. */
export const watch = defineStep({
  kind: "watch",
  version: 2,
  inRollback: false,
  measures: true,
  changesNothing: true,
  summary:
    "Watches measured signals and addresses for a time, rolls back on sound evidence, and asks a person when it cannot tell.",
  requirements: ["C14", "E3", "E4", "E5", "F1"],
  schema: watchSchema,
  example: `stages:
  - { name: first-minutes, until: 5m, every: 15s }
  - { name: half-hour, until: 30m, every: 1m }
rules:
  - "errors: when error_rate > 1% -> rollback"
  - "slow: when share(latency > 1s) > 5% -> rollback"
  - "health: when probe(health) fails for 3 of 3 -> rollback"
  - { name: quiet, expect: "error_rate < 1%", for: 30m, action: fail-gate }
probes:
  - { name: health, path: /health, maxLatency: 1s }
`,
  gather: gatherWatch,
  plan: forecastWatch,
  observe,
  act,
  cured: curedWatch,
  watched,
});

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
    const found = await lookUntil(
      session,
      answers,
      (stop) => stop !== undefined,
      () => answers.promotion(session.saved().lastSignalId),
    );
    const stop = found !== undefined && "as" in found ? await endEarly(context, session, found) : found;
    if (stop === undefined) continue;
    if ("outcome" in stop) return session.end(stop);
    const result = settleAlone(session, stop) ?? (await settleByAsking(context, session, answers, stop));
    if (result !== undefined) return session.end(result);
  }
}

/** A person had a failed watch repeated: then it begins anew. After a crash there is no such word, and it stays failed. */
async function findRetry(answers: Answers, lastSignalId: number): Promise<Answer | undefined> {
  await answers.sleep(RETRY_LOOK_MS);
  const answer = answers.after(lastSignalId);
  return answer?.as === "retry" ? answer : undefined;
}

/** Looks whenever it is due, until what stops the watch, or that nothing does, matters, or a person's word has come. */
async function lookUntil(
  session: Session,
  answers: Answers,
  matters: (stop: Stop | undefined) => boolean,
  answer: () => Answer | undefined,
): Promise<Stop | Answer | undefined> {
  for (;;) {
    const given = answer();
    if (given !== undefined) return given;
    const waitMs = session.msToNextLook();
    if (waitMs > 0) {
      await answers.sleep(waitMs);
      continue;
    }
    const stop = await session.look();
    if (matters(stop)) return stop;
  }
}

/**
 * A person ends the watch before its time and keeps the release. It looks once more: what stops the watch then is settled as
 * always. Undefined when the word does not count.
 */
async function endEarly(
  context: WatchContext,
  session: Session,
  given: Answer,
): Promise<Stop | StepResult | undefined> {
  await session.save({ lastSignalId: given.id });
  const { definition } = session.saved();
  const { environment, with: settings } = context;
  const reason =
    given.at.getTime() < definition.startedAtMs
      ? `${given.by} said it before the watch had begun`
      : (whyNotEarly(settings.promote, environment.protected, given.identity) ??
        (given.note.trim() === "" ? `${given.by} does not say why` : undefined));
  if (reason !== undefined) {
    context.progress(`the watch is not ended early: ${reason}`);
    return undefined;
  }
  const stop = await session.look();
  if (stop !== undefined) return stop;
  const { lastLookMs, extendedMs } = session.saved();
  const { rules } = session.judgementOfNow();
  const gating = definition.rules.filter((own) => isGating(own)).map(({ rule }) => rule.name);
  const proven = gating.filter((name) => rules[name]?.verdict === "PASS");
  const notProven = gating.filter((name) => !proven.includes(name));
  const afterMs = (lastLookMs ?? definition.startedAtMs) - definition.startedAtMs;
  const plannedMs = endMsOf(definition) + extendedMs - definition.startedAtMs;
  const text = [
    `ended early after ${formatDuration(afterMs)} of ${formatDuration(plannedMs)} by ${given.by}: ${given.note}`,
    ...(notProven.length === 0
      ? []
      : [`not proven: ${notProven.map((name) => `${name} (${rules[name]?.reason})`).join(", ")}`]),
    ...(proven.length === 0 ? [] : [`good so far: ${proven.join(", ")}`]),
  ].join("; ");
  const result = outcome(session, "done", "accepted", text, given);
  return { ...result, result: { ...result.result, endedEarly: { afterMs, plannedMs, proven, notProven } } };
}

/** The outcome when no person is needed for it. */
function settleAlone(session: Session, stop: Stop): StepResult | undefined {
  switch (stop.why) {
    case "passed":
      return outcome(
        session,
        "done",
        isAccepted(session) ? "accepted" : "pass",
        `${watchedFor(session)}: ${stop.text}`,
      );
    case "failed":
      return stop.action === "hold" ? undefined : failed(session, stop);
    default:
      return stop.policy === "rollback" ? outcome(session, "failed", "unknown", stop.text) : undefined;
  }
}

/**
 * Asks a person, and goes on looking meanwhile: what rolls back does so also then, and a question that has answered
 * itself is withdrawn. Undefined when the watch goes on.
 */
async function settleByAsking(
  context: WatchContext,
  session: Session,
  answers: Answers,
  stop: Stop,
): Promise<StepResult | undefined> {
  // After a crash the question is the same one: an answer that came meanwhile counts.
  if (session.saved().asking?.key !== stop.key)
    await session.save({ asking: { key: stop.key, approvals: [] }, lastSignalId: answers.lastId() });
  const question = questionOf(context, session, stop);
  const given = await context.waiting({ for: "decision", text: question, answers: [...watchDecisions] }, () =>
    lookUntil(
      session,
      answers,
      (now) => now?.key !== stop.key,
      () => answers.after(session.saved().lastSignalId),
    ),
  );
  if (given === undefined || "why" in given) {
    // What it is now is decided anew by the caller's next look.
    await session.save({ asking: null });
    return given === undefined ? undefined : settleAlone(session, given);
  }
  return take(context, session, stop, given);
}

/** A person's word. A second one is needed where the policy says so. */
async function take(
  context: WatchContext,
  session: Session,
  stop: Stop,
  given: Answer,
): Promise<StepResult | undefined> {
  const words = `${given.by}${given.note === "" ? "" : `: ${given.note}`}`;
  const { asking, accepted } = session.saved();
  if (given.as === "failed") {
    await session.save({ asking: null, lastSignalId: given.id });
    return outcome(session, "failed", "fail", `${stop.text}; judged as failed by ${words}`, given);
  }
  if (given.as === "retry") {
    await session.restart(given.id);
    return undefined;
  }
  if (given.as === "extend") {
    await session.save({ asking: null, lastSignalId: given.id });
    await session.extend();
    return undefined;
  }
  const approvals = [...new Set([...(asking?.approvals ?? []), given.by])];
  if (needsTwo(stop) && approvals.length < 2) {
    await session.save({ asking: { key: stop.key, approvals }, lastSignalId: given.id });
    context.progress(`${given.by} says go on; one more person has to`);
    return undefined;
  }
  await session.save({ asking: null, lastSignalId: given.id });
  if (stop.why === "inconclusive" || stop.why === "passed")
    return outcome(
      session,
      "done",
      "accepted",
      `${stop.text}; accepted by ${approvals.join(" and ")}${noteOf(given)}`,
      given,
    );
  const acceptance: Acceptance = {
    ...(isUnseen(stop) ? { isUnseen: true } : {}),
    by: approvals.join(" and "),
    note: given.note,
    atMs: context.clock.now().getTime(),
  };
  await session.save({ accepted: { ...accepted, [stop.rule ?? stop.key]: acceptance } });
  return undefined;
}

function isUnseen({ why }: Stop): boolean {
  return why === "blind" || why === "cliff" || why === "split";
}

function needsTwo(stop: Stop): boolean {
  return stop.why !== "failed" && stop.why !== "passed" && stop.policy === "continue-with-two-approvals";
}

function questionOf({ runId, stepId }: WatchContext, session: Session, stop: Stop): string {
  const approvals = session.saved().asking?.approvals ?? [];
  const two = needsTwo(stop)
    ? approvals.length === 0
      ? " by two people"
      : ` by one more person than ${approvals.join()}`
    : "";
  const unseen = isUnseen(stop) ? "; what is seen of it later still counts" : "";
  return `${stop.text}. Decide about ${stepId}: tminus resume ${runId} --as done (accept${two}${unseen}) | extend (go on longer) | retry (watch again) | failed`;
}

function failed(session: Session, stop: Stop & { why: "failed" }): StepResult {
  const result = outcome(session, "failed", "fail", stop.text);
  const rule = failedRuleOf(session.saved(), stop.rule);
  return { ...result, result: { ...result.result, ...(rule === undefined ? {} : { failedRule: rule }) } };
}

function isAccepted(session: Session): boolean {
  return Object.keys(session.saved().accepted).length > 0;
}

/** Says nothing of interruptions: what a source could be asked about afterwards was seen. */
function watchedFor(session: Session): string {
  const { definition, extendedMs } = session.saved();
  return `watched for ${formatDuration(endMsOf(definition) + extendedMs - definition.startedAtMs)}`;
}

function noteOf({ note }: Answer): string {
  return note === "" ? "" : `: ${note}`;
}

function outcome(
  session: Session,
  end: StepResult["outcome"],
  verdict: "pass" | "fail" | "unknown" | "accepted",
  reason: string,
  answer?: Answer,
): StepResult {
  const saved = session.saved();
  const { rules } = session.judgement();
  const accepted =
    answer === undefined
      ? {}
      : { [end === "done" ? "acceptedBy" : "decidedBy"]: answer.by, note: answer.note };
  const literal = strictText(saved);
  return {
    outcome: end,
    reason,
    result: {
      verdict,
      ...accepted,
      startedAt: new Date(saved.definition.startedAtMs).toISOString(),
      unwatchedMs: saved.interruptions.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0),
      rules: Object.fromEntries(
        Object.entries(rules).map(([name, rule]) => [name, { verdict: rule.verdict, reason: rule.reason }]),
      ),
      ...(literal.length === 0 ? {} : { literal }),
      ...(Object.keys(saved.accepted).length === 0
        ? {}
        : {
            acceptedRules: Object.fromEntries(
              Object.entries(saved.accepted).map(([name, { by, note }]) => [name, { by, note }]),
            ),
          }),
    },
  };
}
