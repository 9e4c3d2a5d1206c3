import { TminusError, toErrorRecord } from "../errors.ts";
import { itemsToAttest } from "../model/attestation.ts";
import type { Actor } from "../model/actor.ts";
import type { NewerPlan, Run } from "../model/run.ts";
import { usualDecisions, type DecisionWord } from "../model/decision.ts";
import type { SignalBody } from "../model/signal.ts";
import { actorRecord } from "../model/actor-text.ts";
import { whyNotEarly, type Promoters } from "../steps/watch/early-end.ts";
import { approve } from "../steps/approve.ts";
import { whyNotStarted, whyRefused } from "../steps/approve/policy.ts";
import type { Plan } from "../model/plan.ts";
import { stepsOf } from "../model/plan-steps.ts";
import { requireDemanded, requireOwner } from "./require-owner.ts";
import { sameName } from "../model/person-name.ts";

const SIGN_IN = "Sign in: set TMINUS_TOKEN, or add --login <name>.";

/** What is known beside the run. */
export interface Known {
  newerPlans: readonly NewerPlan[];
  now: Date;
  areUsers: boolean;
}

/**
 * Refuses a signal that could not have the effect its sender expects. What it cannot see (the run ends in the
 * same moment) the store refuses. Errors: RUN_ENDED, RUN_NOT_WAITING, APPROVAL_REFUSED,
 * IDENTITY_REFUSED, USAGE_INVALID.
 */
export function checkSignal(
  run: Run,
  body: SignalBody,
  actor: Actor,
  { newerPlans, now, areUsers }: Known,
): void {
  if (run.state === "ended")
    throw new TminusError("RUN_ENDED", `run ${run.id} ended: ${run.outcome ?? "unknown"}`);
  switch (body.kind) {
    case "approve":
    case "reject":
      requireApprover(run, body, { actor, at: now }, newerPlans);
      return;
    case "attest":
      requireItem(run, body, actor, areUsers);
      return;
    case "resolve":
      if (body.as === "promote") return requirePromoter(run, body, actor);
      if (run.waitingFor?.for !== "decision" || run.waitingFor.stepId !== body.stepId) {
        throw new TminusError(
          "RUN_NOT_WAITING",
          `run ${run.id} does not wait for a decision about ${body.stepId}`,
        );
      }
      requireAnswer(run, body.as, run.waitingFor.answers ?? usualDecisions);
      return;
    case "hold":
      if (run.verdict !== undefined)
        throw new TminusError("RUN_NOT_WAITING", `run ${run.id} is being rolled back, which cannot be held`);
      return;
    case "abort":
    case "rollback":
      if (run.verdict !== undefined)
        throw new TminusError("RUN_NOT_WAITING", `run ${run.id} is being rolled back already`, {
          hint: `Look at it: tminus watch ${run.id}`,
        });
      return;
    case "resume":
      return;
  }
}

/**
 * What speaks against each kind of signal now, as `checkSignal` would say it; a kind that is not named may be sent. For
 * showing people what they can do: sending looks again.
 */
export function refusals(run: Run, actor: Actor, known: Known): Partial<Record<SignalBody["kind"], string>> {
  const found: Partial<Record<SignalBody["kind"], string>> = {};
  const taken = new Set<SignalBody["kind"]>();
  for (const body of likelySignals(run)) {
    try {
      checkSignal(run, body, actor, known);
      taken.add(body.kind);
    } catch (error) {
      found[body.kind] ??= toErrorRecord(error).message;
    }
  }
  for (const kind of taken) delete found[kind];
  return found;
}

/** One of each kind, about what the run waits for, with all that may be asked for; of an attestation one for each item. */
function likelySignals(run: Run): SignalBody[] {
  const { waitingFor, plan } = run;
  const stepId = waitingFor?.stepId ?? "";
  const step = stepsOf(plan).find(({ id }) => id === stepId);
  const asked = waitingFor?.for === "attestation" && step !== undefined ? [step] : stepsOf(plan);
  const items = asked.flatMap((one) => itemsToAttest(one).map(({ id }) => ({ stepId: one.id, item: id })));
  const note = "looked at";
  const attachment = { name: "a file", sha256: "", mediaType: "" };
  return [
    { kind: "approve", stepId, planHash: plan.hash, note },
    { kind: "reject", stepId, note },
    ...(items.length === 0 ? [{ stepId, item: "" }] : items).map(
      (item) => ({ kind: "attest", ...item, note, attachment }) as const,
    ),
    // Why a watch may not be ended says more than that nothing is asked.
    ...stepsOf(plan)
      .filter(({ kind }) => kind === "watch")
      .map(({ id }) => ({ kind: "resolve", stepId: id, as: "promote", note }) as const),
    { kind: "resolve", stepId, as: waitingFor?.answers?.[0] ?? usualDecisions[0]!, note },
    { kind: "hold", note },
    { kind: "resume", note },
    { kind: "abort", note },
    { kind: "rollback", note },
  ];
}

/** Refuses a run that nobody could approve, before it waits for that. Errors: IDENTITY_REFUSED. */
export function refuseHiddenStarter(plan: Plan, starter: Actor): void {
  for (const step of stepsOf(plan)) {
    const reason = step.kind === "approve" ? whyNotStarted(step, plan, starter) : undefined;
    if (reason !== undefined) throw new TminusError("IDENTITY_REFUSED", reason, { hint: SIGN_IN });
  }
}

/** Of a checklist or a sign-off, some of which are only for the one named, or only with a note or a file. */
function requireItem(
  run: Run,
  { stepId, item, note, attachment }: Extract<SignalBody, { kind: "attest" }>,
  actor: Actor,
  areUsers: boolean,
): void {
  const step = stepsOf(run.plan).find(({ id }) => id === stepId);
  const found = step === undefined ? undefined : itemsToAttest(step).find(({ id }) => id === item);
  if (found === undefined)
    throw new TminusError(
      "RUN_NOT_WAITING",
      `run ${run.id} has no item ${item} at ${stepId} that people attest`,
    );
  if (found.by !== undefined && !sameName(found.by, actor.name))
    throw new TminusError("APPROVAL_REFUSED", `${item} is for ${found.by} to attest, not for ${actor.name}`);
  requireOwner(item, found.owner, actor, areUsers);
  if (!found.isEvidence)
    return requireDemanded(item, found.demand, { note, hasFile: attachment !== undefined });
  if (run.waitingFor?.for !== "attestation" || run.waitingFor.stepId !== stepId)
    throw new TminusError("RUN_NOT_WAITING", `run ${run.id} does not ask anybody about ${item} now`);
  if (note.trim() === "") {
    throw new TminusError("USAGE_INVALID", `${item} is not proven good: say why it may stand`, {
      hint: `Add --note "<what you saw>".`,
    });
  }
}

/** Whether the watch goes on is looked at by itself: a word that came before it began does not count. */
function requirePromoter(
  run: Run,
  { stepId, note }: Extract<SignalBody, { kind: "resolve" }>,
  actor: Actor,
): void {
  const step = stepsOf(run.plan).find(({ id }) => id === stepId);
  if (step?.kind !== "watch")
    throw new TminusError("RUN_NOT_WAITING", `run ${run.id} has no watch ${stepId}`);
  if (run.verdict !== undefined)
    throw new TminusError("RUN_NOT_WAITING", `run ${run.id} is being rolled back`);
  if (run.waitingFor?.for === "decision")
    throw new TminusError("RUN_NOT_WAITING", `run ${run.id} asks: ${run.waitingFor.text}`, {
      hint: `Answer it: tminus resume ${run.id} --as ${(run.waitingFor.answers ?? usualDecisions).join(" | ")}`,
    });
  const reason = whyNotEarly(
    step.with.promote as Promoters | undefined,
    run.plan.environment.protected,
    actor,
  );
  if (reason !== undefined) throw new TminusError("APPROVAL_REFUSED", reason, { hint: SIGN_IN });
  if (note.trim() !== "") return;
  throw new TminusError("USAGE_INVALID", "a watch is not ended early without saying why", {
    hint: 'Add --note "<why the release may stay>".',
  });
}

function requireAnswer(run: Run, as: DecisionWord, answers: readonly DecisionWord[]): void {
  if (answers.includes(as)) return;
  throw new TminusError("RUN_NOT_WAITING", `"${as}" does not answer what run ${run.id} asks`, {
    hint: `Answer with: tminus resume ${run.id} --as ${answers.join(" | ")}`,
  });
}

/** Requirement B10. That somebody has approved already is not looked at: it does no harm. */
function requireApprover(
  run: Run,
  body: Extract<SignalBody, { kind: "approve" | "reject" }>,
  sent: { actor: Actor; at: Date },
  newerPlans: readonly NewerPlan[],
): void {
  const step = stepsOf(run.plan).find(({ id }) => id === body.stepId);
  if (step?.kind !== "approve")
    throw new TminusError("RUN_NOT_WAITING", `run ${run.id} has no approve step ${body.stepId}`);
  if (body.kind === "reject") return;
  if (step.kindVersion !== approve.version)
    throw new TminusError("RUN_NOT_WAITING", `run ${run.id} was planned by another version of tminus`);
  const reason = whyRefused(step, run, { ...sent, planHash: body.planHash }, newerPlans);
  if (reason === undefined) return;
  throw new TminusError("APPROVAL_REFUSED", `the approval of ${sent.actor.name} would not count: ${reason}`, {
    details: { plan: run.plan.hash, given: body.planHash, actor: actorRecord(sent.actor) },
  });
}
