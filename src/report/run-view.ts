import type { PlannedEmergency } from "../model/emergency.ts";
import type { Json } from "../model/json.ts";
import type { Plan, PlannedStage, PlannedStep, Risk } from "../model/plan.ts";
import type { EndState, Run, RunEvent, RunOutcome, RunState } from "../model/run.ts";
import { decisionWords } from "../model/decision.ts";
import type { WaitingFor } from "../model/step-kind.ts";
import { saidNote } from "./said-note.ts";
import { clean } from "./text.ts";

export type StepState =
  | "pending"
  | "running"
  | "waiting"
  | "done"
  | "failed"
  | "parked"
  | "undoing"
  | "undone"
  | "undo-failed"
  | "kept";

export interface StepView {
  id: string;
  title: string;
  kind: string;
  state: StepState;
  /** Why it is in this state, when there is something to say. */
  reason: string;
  /** Why it failed, also after it was undone or tried again with success. */
  failure?: string;
  /** The newest progress line. */
  progress: string;
  tries: number;
  /** By how much it began after its moment, in ms, when it did. */
  lateMs?: number;
  begunAt?: Date;
  /** When it was done or had failed; undoing it does not change this. */
  endedAt?: Date;
  /** Name → SHA-256 under which `tminus show --evidence` finds it. */
  evidence: Record<string, string>;
}

export interface StageView {
  id: string;
  title: string;
  risk: Risk;
  steps: StepView[];
}

/** Who told the run what, in order. */
interface SaidView {
  at: Date;
  actor: string;
  kind: string;
  target: string;
  note: string;
}

/** Whom the run called on its own. */
interface PagedView {
  at: Date;
  channel: string;
  title: string;
  /** Why it was not delivered. */
  failure?: string;
}

/** Everything that is shown of a run, made from its plan and its events alone. Texts in it are safe to print. */
export interface RunView {
  runId: string;
  project: string;
  environment: string;
  purpose: "deploy" | "rollback";
  release: string;
  previousRelease?: string | undefined;
  planHash: string;
  emergency: PlannedEmergency | undefined;
  /** The plan's times. */
  timeline: Pick<Plan, "stages" | "scheduled">;
  createdAt: Date;
  createdBy: string;
  state: RunState;
  startedAt?: Date;
  zeroAt?: Date;
  endedAt?: Date;
  waitingFor?: (WaitingFor & { stepId?: string; since: Date }) | undefined;
  /** Why no deploy may begin, and when one may; the run keeps its place until then. */
  queuedFor?: { window: string; since: Date };
  queuedBehind?: { run: string; release: string; plan: string; by: string; age: string; since: Date };
  verdict?: { decision: string; reason: string; by: string; stepId?: string; at: Date };
  cure?: { verdict: string; reason: string };
  outcome?: RunOutcome;
  endState?: EndState;
  notUndone: { stepId: string; reason: string }[];
  kept: { stepId: string; reason: string }[];
  /** The environment was locked when it ended. */
  isLocked: boolean;
  unlocked?: { by: string; at: Date; reason: string };
  /** Why the head of the project's log was not written down outside, the last time that it was not. */
  unanchored?: { at: Date; reason: string };
  /** How often a worker took the run; more than once means that one died. */
  takes: number;
  /** Who executes it. */
  worker: string | undefined;
  /** Whether the last change of execution came from another worker than the one before. */
  isOtherWorker: boolean;
  stages: StageView[];
  said: SaidView[];
  paged: PagedView[];
  lastSequence: number;
}

/** The view of a run before any of its events. */
export function newRunView(run: Run): RunView {
  const { plan } = run;
  return {
    runId: run.id,
    project: plan.project,
    environment: run.environment,
    purpose: plan.purpose,
    release: clean(plan.release),
    previousRelease: plan.previousRelease === undefined ? undefined : clean(plan.previousRelease),
    planHash: plan.hash,
    emergency: plan.emergency,
    timeline: plan,
    createdAt: run.createdAt,
    createdBy: clean(run.createdBy),
    state: "queued",
    notUndone: [],
    kept: [],
    isLocked: false,
    takes: 0,
    worker: undefined,
    isOtherWorker: false,
    stages: plan.stages.map(newStageView),
    said: [],
    paged: [],
    lastSequence: 0,
  };
}

export function viewOf(run: Run, events: readonly RunEvent[]): RunView {
  const view = newRunView(run);
  for (const event of events) applyEvent(view, event);
  return view;
}

/** Changes the view by one event. Events that it has seen already, and those of unknown steps, change nothing. */
export function applyEvent(view: RunView, event: RunEvent): void {
  if (event.sequence <= view.lastSequence) return;
  view.lastSequence = event.sequence;
  if (event.type.startsWith("step.") || event.type.startsWith("undo.")) applyStepEvent(view, event);
  else applyRunEvent(view, event);
}

export function stepsIn(view: RunView): StepView[] {
  return view.stages.flatMap(({ steps }) => steps);
}

/** The step that something happens to right now: in work, waiting, parked or being undone. */
export function currentStep(view: RunView): StepView | undefined {
  const waiting = view.waitingFor?.stepId;
  const steps = stepsIn(view);
  return (
    steps.find(({ state }) => state === "undoing") ??
    steps.find(({ id }) => id === waiting) ??
    steps.find(({ state }) => state === "running" || state === "waiting" || state === "parked")
  );
}

/** The step that comes next when the current one is done; none once the run goes back or has ended. */
export function nextStep(view: RunView): StepView | undefined {
  if (view.verdict !== undefined || view.state === "ended") return undefined;
  return stepsIn(view).find((step) => step.state === "pending" && step !== currentStep(view));
}

function applyRunEvent(view: RunView, { type, data, at, actor }: RunEvent): void {
  switch (type) {
    case "run.queued":
      delete view.queuedBehind;
      delete view.queuedFor;
      if (data.window !== undefined) {
        view.queuedFor = { window: text(data.window), since: at };
        return;
      }
      view.queuedBehind = {
        run: text(data.holder),
        release: text(data.holderRelease),
        plan: text(data.holderPlan),
        by: text(data.holderBy),
        age: text(data.holderAge),
        since: at,
      };
      return;
    case "run.taken":
      delete view.queuedBehind;
      delete view.queuedFor;
      view.takes++;
      view.isOtherWorker = view.worker !== undefined && view.worker !== text(data.worker);
      view.worker = text(data.worker);
      view.waitingFor = undefined;
      if (view.state === "queued" || view.state === "waiting" || view.state === "held")
        view.state = "running";
      return;
    case "run.started":
      view.startedAt ??= at;
      view.state = "running";
      return;
    case "run.held":
      view.state = "held";
      return;
    case "run.resumed":
      view.state = "running";
      return;
    case "run.zero":
      view.zeroAt ??= typeof data.at === "string" ? new Date(data.at) : at;
      return;
    case "run.verdict":
      view.state = "rolling-back";
      view.waitingFor = undefined;
      view.verdict = {
        decision: text(data.decision),
        reason: text(data.reason),
        by: text(data.by),
        at,
        ...stepIdOf(data),
      };
      return;
    case "run.cure":
      view.cure = { verdict: text(data.verdict), reason: text(data.reason) };
      if (isObject(data.proofs)) addEvidence(view, data.stepId, data.proofs);
      return;
    case "run.paged":
      view.paged.push({
        at,
        channel: text(data.channel),
        title: text(data.title),
        ...(data.delivered === true ? {} : { failure: text(data.reason) }),
      });
      return;
    case "run.ended":
      applyEnd(view, data, at);
      return;
    case "run.unlocked":
      view.unlocked = { by: clean(actor), at, reason: text(data.reason) };
      return;
    case "run.unanchored":
      view.unanchored = { at, reason: text(data.reason) };
      return;
    case "signal.received":
      view.said.push({
        at,
        actor: clean(actor),
        kind: text(data.kind),
        target: text(data.item) || text(data.stepId),
        note: saidNote(data),
      });
      return;
    default: // run.created and the stage events say nothing that the plan and the steps do not
  }
}

function addEvidence(view: RunView, stepId: Json | undefined, proofs: { [key: string]: Json }): void {
  const step = stepsIn(view).find(({ id }) => id === stepId);
  if (step !== undefined) Object.assign(step.evidence, textsIn(proofs));
}

function applyEnd(view: RunView, data: RunEvent["data"], at: Date): void {
  view.state = "ended";
  view.endedAt = at;
  view.waitingFor = undefined;
  delete view.queuedBehind;
  view.outcome = text(data.outcome) as RunOutcome;
  const { endState } = data;
  if (isObject(endState)) {
    view.endState = {
      verdict: text(endState.verdict) as EndState["verdict"],
      reason: text(endState.reason),
      at: text(endState.at),
      ...(endState.release === undefined ? {} : { release: text(endState.release) }),
    };
  }
  view.isLocked = isObject(data.lock);
  view.kept = reasonsIn(data.kept);
  view.notUndone = reasonsIn(data.notUndone);
}

function applyStepEvent(view: RunView, event: RunEvent): void {
  const { type, data, at } = event;
  const step = stepsIn(view).find(({ id }) => id === data.stepId);
  if (type === "step.waiting") setWaiting(view, event);
  if (type === "step.continued") {
    view.waitingFor = undefined;
    if (view.state === "waiting") view.state = "running";
  }
  if (step === undefined) return;
  const ended = (state: StepState): void => {
    step.state = state;
    step.reason = text(data.reason);
    if (type.startsWith("step.")) step.endedAt = at;
    else step.endedAt ??= at;
    if (isObject(data.evidence)) Object.assign(step.evidence, textsIn(data.evidence));
  };
  switch (type) {
    case "step.begun":
      step.state = "running";
      step.reason = "";
      step.tries++;
      step.begunAt ??= at;
      delete step.endedAt;
      return;
    case "step.late":
      if (typeof data.lateMs === "number") step.lateMs = data.lateMs;
      return;
    case "step.waiting":
      if (step.state === "pending" || step.state === "running") step.state = "waiting";
      return;
    case "step.continued":
      if (step.state === "waiting") step.state = step.begunAt === undefined ? "pending" : "running";
      return;
    case "step.progress":
      step.progress = text(data.text);
      return;
    case "step.done":
      return ended("done");
    case "step.failed":
      step.failure = text(data.reason);
      return ended("failed");
    case "step.parked":
      step.state = "parked";
      step.reason = text(data.reason);
      return;
    case "undo.begun":
      step.state = "undoing";
      step.reason = "";
      step.progress = "";
      return;
    case "undo.done":
      return ended("undone");
    case "undo.failed":
      return ended("undo-failed");
    case "undo.skipped":
      step.state = step.state === "failed" ? "failed" : "kept";
      step.reason = step.state === "failed" ? step.reason : text(data.reason);
      return;
    default: // step.observed comes with step.done, which says the same
  }
}

function setWaiting(view: RunView, { data, at }: RunEvent): void {
  const { answers } = data;
  view.waitingFor = {
    for: text(data.for) as WaitingFor["for"],
    text: text(data.text),
    since: at,
    ...(data.until === undefined ? {} : { until: text(data.until) }),
    ...(Array.isArray(answers) ? { answers: decisionWords.filter((word) => answers.includes(word)) } : {}),
    ...stepIdOf(data),
  };
  if (view.state === "running") view.state = "waiting";
}

function newStageView({ id, title, risk, steps }: PlannedStage): StageView {
  return { id, title: clean(title), risk, steps: steps.map(newStepView) };
}

function newStepView({ id, title, kind }: PlannedStep): StepView {
  return {
    id,
    title: clean(title),
    kind,
    state: "pending",
    reason: "",
    progress: "",
    tries: 0,
    evidence: {},
  };
}

function stepIdOf(data: RunEvent["data"]): { stepId?: string } {
  return typeof data.stepId === "string" ? { stepId: data.stepId } : {};
}

function text(value: Json | undefined): string {
  return typeof value === "string" ? clean(value) : "";
}

function isObject(value: Json | undefined): value is { [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textsIn(value: { [key: string]: Json }): Record<string, string> {
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [clean(name), text(item)]));
}

function reasonsIn(value: Json | undefined): { stepId: string; reason: string }[] {
  if (!Array.isArray(value)) return [];
  return value.filter(isObject).map((item) => ({ stepId: text(item.stepId), reason: text(item.reason) }));
}
