import { sha256 } from "../../lib/hash.ts";
import type { JsonObject } from "../../model/json.ts";
import { stepsOf } from "../../model/plan-steps.ts";
import type { EventType, Phase, Run, RunEvent } from "../../model/run.ts";

/** A run as a trace: what is recorded of it, nothing else, with the times of its events. */
export interface RunTrace {
  /** 32 hex digits, of the run's id: exported again it is the same trace. */
  traceId: string;
  run: TracedSpan;
  tasks: TracedTask[];
}

export interface TracedSpan {
  /** 16 hex digits. */
  spanId: string;
  startedAt: Date;
  endedAt: Date;
  events: TracedEvent[];
}

/** An attempt at a step, or at undoing it. */
export interface TracedTask extends TracedSpan {
  /** Of the run, the step, the phase and the number. */
  id: string;
  stepId: string;
  title: string;
  kind: string;
  phase: Phase;
  /** interrupted: its worker died, and what became of it was looked up by the next attempt. */
  result: "done" | "failed" | "interrupted";
  reason: string;
}

export interface TracedEvent {
  name: EventType;
  at: Date;
  actor: string;
  /** Numbers, texts and truth values of the event's data. */
  data: Record<string, string | number | boolean>;
}

const ends: Partial<Record<EventType, { phase: Phase; result: TracedTask["result"] }>> = {
  "step.done": { phase: "act", result: "done" },
  "step.failed": { phase: "act", result: "failed" },
  "undo.done": { phase: "undo", result: "done" },
  "undo.failed": { phase: "undo", result: "failed" },
};
/** What spans say by themselves, and samples, of which there may be thousands. */
const left: readonly EventType[] = [
  "run.created",
  "run.ended",
  "step.progress",
  "stage.started",
  "stage.ended",
];

/** `events` are all of the run, rising; it has ended. */
export function runTrace(run: Run, events: readonly RunEvent[]): RunTrace {
  const traceId = sha256(`tminus trace ${run.id}`).slice(0, 32);
  const root: TracedSpan = {
    spanId: spanIdOf(run.id),
    startedAt: events[0]?.at ?? run.createdAt,
    endedAt: events.at(-1)?.at ?? run.endedAt ?? run.createdAt,
    events: [],
  };
  const kinds = new Map(stepsOf(run.plan).map(({ id, kind }) => [id, kind]));
  const tasks: TracedTask[] = [];
  const open = new Map<string, TracedTask>();
  const numbers = new Map<string, number>();
  for (const event of events) {
    const stepId = textOf(event.data, "stepId");
    if (event.type === "step.begun" || event.type === "undo.begun") {
      const phase = event.type === "step.begun" ? "act" : "undo";
      const key = `${phase} ${stepId}`;
      const number = (numbers.get(key) ?? 0) + 1;
      numbers.set(key, number);
      interrupt(open.get(key), event.at);
      const task = begun(run.id, event, { stepId, phase, number, kind: kinds.get(stepId) });
      open.set(key, task);
      tasks.push(task);
      continue;
    }
    const end = ends[event.type];
    const key = `${end?.phase ?? "act"} ${stepId}`;
    const task = open.get(key) ?? (end === undefined ? open.get(`undo ${stepId}`) : undefined);
    if (end === undefined) {
      if (!left.includes(event.type)) (task ?? root).events.push(traced(event));
    } else if (task !== undefined) {
      open.delete(key);
      finish(task, end.result, event);
    }
  }
  for (const task of open.values()) interrupt(task, root.endedAt);
  return { traceId, run: root, tasks };
}

function spanIdOf(what: string): string {
  return sha256(`tminus span ${what}`).slice(0, 16);
}

function begun(
  runId: string,
  { at, data }: RunEvent,
  { stepId, phase, number, kind }: { stepId: string; phase: Phase; number: number; kind: string | undefined },
): TracedTask {
  const id = `${runId}/${stepId}/${phase}/${number}`;
  return {
    id,
    spanId: spanIdOf(id),
    stepId,
    title: textOf(data, "title") || stepId,
    kind: textOf(data, "kind") || (kind ?? ""),
    phase,
    startedAt: at,
    endedAt: at,
    events: [],
    result: "interrupted",
    reason: "",
  };
}

function finish(task: TracedTask, result: TracedTask["result"], { at, data }: RunEvent): void {
  task.endedAt = at;
  task.result = result;
  task.reason = textOf(data, "reason");
}

function interrupt(task: TracedTask | undefined, at: Date): void {
  if (task === undefined) return;
  task.endedAt = at;
  task.reason = "the worker ended in the middle of it";
}

function traced({ type, at, actor, data }: RunEvent): TracedEvent {
  const plain = Object.entries(data).filter(
    (entry): entry is [string, string | number | boolean] =>
      typeof entry[1] === "string" || typeof entry[1] === "number" || typeof entry[1] === "boolean",
  );
  return { name: type, at, actor, data: Object.fromEntries(plain) };
}

function textOf(data: JsonObject, name: string): string {
  const value = data[name];
  return typeof value === "string" ? value : "";
}
