import { jsonObject, type AuditEntry } from "../model/audit.ts";

/** How far a run's log had come when an entry of the project's log was written. */
export interface Checkpoint {
  sequence: number;
  hash: string;
  /** Sequence of the entry. */
  entry: number;
}

/** What the project's log says of one run. */
export interface KnownRun {
  /** Sequence of the entry that says that it was created. */
  entry: number;
  actor: string;
  environment: unknown;
  plan: unknown;
  context: unknown;
  createdAt: unknown;
  /** Whether it was there before the log. */
  wasBefore: boolean;
  /** How it ended, once it has. */
  outcome?: unknown;
  checkpoints: Checkpoint[];
}

/** Takes in what an entry says of a run. What it says of one that was not created is told by `orphan`. */
export function learn(runs: Map<string, KnownRun>, entry: AuditEntry, orphan: (run: string) => void): void {
  const data = jsonObject(entry.data) ?? {};
  if (typeof data.run !== "string") return;
  const { run: id } = data;
  if (entry.type === "run.created") {
    const { environment, plan, context, createdAt } = data;
    const about = { environment, plan, context, createdAt, wasBefore: data.before === true };
    runs.set(id, { entry: entry.sequence, actor: entry.actor, ...about, checkpoints: [] });
  }
  const known = runs.get(id);
  if (known === undefined) return orphan(id);
  if (entry.type === "run.ended") known.outcome = data.outcome;
  const { head } = data;
  if (typeof head === "object" && head !== null && "sequence" in head && "hash" in head)
    known.checkpoints.push({
      sequence: Number(head.sequence),
      hash: String(head.hash),
      entry: entry.sequence,
    });
}
