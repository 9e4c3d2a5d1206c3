import { canonicalJson, sha256 } from "../lib/hash.ts";
import { jsonObject, type AuditEvent, type AuditRun } from "../model/audit.ts";
import { planHash } from "../model/plan-hash.ts";
import type { Plan } from "../model/plan.ts";
import { openChain } from "./chain.ts";
import type { Checkpoint, KnownRun } from "./known-run.ts";
import type { AuditProblem, ProblemKind } from "./problem.ts";

export interface RunLog {
  add(event: AuditEvent): void;
  end(): void;
}

/** Follows the log of one run and compares it with its row and with what the project's log says of it. */
export function openRunLog(
  run: AuditRun,
  known: KnownRun | undefined,
  report: (problem: AuditProblem) => void,
): RunLog {
  const tell = (problem: AuditProblem): void => report({ ...problem, run: run.id });
  const chain = openChain(tell, "event");
  const checkpoints = new Map<number, Checkpoint[]>();
  for (const mark of known?.checkpoints ?? [])
    checkpoints.set(mark.sequence, [...(checkpoints.get(mark.sequence) ?? []), mark]);
  const say = (how: ProblemKind, text: string, sequence?: number): void =>
    tell({ how, text, ...(sequence === undefined ? {} : { sequence }) });
  const compare = (what: string, is: unknown, shouldBe: unknown, witness: string): void => {
    if (is !== shouldBe) say("edited", `${what} was edited: it is not what ${witness} says`);
  };
  /** The last verdict and end that the events tell. */
  let verdict: string | null = null;
  let endState: string | null = null;
  let outcome: unknown = null;

  if (known === undefined) say("unknown-run", `the project's log knows no run ${run.id}`);
  else compareRow(run, known, compare);
  if (hashOfPlan(run.plan) !== run.planHash) say("edited", "the plan was edited: its hash does not fit");

  function add(event: AuditEvent): void {
    const { sequence, at, type, actor, data, hash } = event;
    chain.add({ sequence, hash, covered: [sequence, at, type, actor, data] });
    const marks = checkpoints.get(sequence) ?? [];
    for (const { hash: marked, entry } of marks) {
      if (marked !== hash)
        say(
          "edited",
          `event ${sequence} has another hash than entry ${entry} of the project's log says`,
          sequence,
        );
    }
    if (type === "run.ended" && known?.wasBefore === false && marks.length === 0)
      say("edited", `event ${sequence} ends the run, and the project's log does not know of it`, sequence);
    if (type === "run.created") compareCreation(run, event, compare);
    else if (type === "run.verdict") verdict = data;
    else if (type === "run.ended") ({ outcome = null, endState = null } = endOf(data));
  }

  function end(): void {
    chain.end(run.head);
    for (const { sequence, entry } of known?.checkpoints ?? []) {
      if (sequence > chain.last && run.head.sequence < sequence)
        say(
          "cut-off",
          `the end is cut off: entry ${entry} of the project's log saw event ${sequence}`,
          sequence,
        );
    }
    compare("the verdict", canonical(run.verdict), canonical(verdict), "its event");
    compare("the end state", canonical(run.endState), canonical(endState), "its event");
    compare("the outcome", run.outcome, outcome, "the event that ends the run");
    compare("the state", run.state === "ended", outcome !== null, "the event that ends the run");
  }

  return { add, end };
}

type Compare = (what: string, is: unknown, shouldBe: unknown, witness: string) => void;

function compareRow(run: AuditRun, known: KnownRun, compare: Compare): void {
  const witness = `entry ${known.entry} of the project's log`;
  compare("the plan's hash", run.planHash, known.plan, witness);
  compare("the context", sha256(run.context), known.context, witness);
  compare("the environment", run.environment, known.environment, witness);
  compare("the name of who started it", run.createdBy, known.actor, witness);
  compare("the time of its start", run.createdAt, known.createdAt, witness);
  compare("the outcome", run.outcome, known.outcome ?? null, "the project's log");
}

function compareCreation(run: AuditRun, { actor, data }: AuditEvent, compare: Compare): void {
  const { plan, environment } = jsonObject(data) ?? {};
  compare("the plan's hash", run.planHash, plan, "event 1");
  compare("the environment", run.environment, environment, "event 1");
  compare("the name of who started it", run.createdBy, actor, "event 1");
}

/** A run that never held its environment ends without an end state, as stopped. */
function endOf(data: string): { outcome?: unknown; endState?: string } {
  const { outcome = "stopped", endState } = jsonObject(data) ?? {};
  return { outcome, ...(endState === undefined ? {} : { endState: JSON.stringify(endState) }) };
}

function canonical(text: string | null): string | null {
  if (text === null) return null;
  const value = jsonObject(text);
  return value === undefined ? text : canonicalJson(value);
}

function hashOfPlan(text: string): string | undefined {
  const plan = jsonObject(text);
  if (!Array.isArray(plan?.gates)) return undefined;
  return planHash(plan as unknown as Plan);
}
