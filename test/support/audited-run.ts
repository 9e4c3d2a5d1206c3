import { samplePlan, type TestState } from "./state.ts";
import type { AuditRecord } from "../../src/model/audit.ts";
import { readAudit } from "../../src/store/audit.ts";
import { createRun } from "../../src/store/runs.ts";

const BATCH = 250;

/** A run of a project of its own with this many events, which has ended with evidence. Returns its id. */
export async function auditedRun(state: TestState, project: string, events: number): Promise<string> {
  const id = `${project}-run`;
  await createRun(state.pool, { id, plan: samplePlan({ project }), context: { a: 1 }, startedBy: "mia" });
  const answer = await state.journal.takeLease(id, "w");
  if (answer.state !== "taken") throw new Error("the environment is held");
  const execution = { runId: id, token: answer.token };
  const proof = await state.journal.saveEvidence(`a proof of ${project}`);
  await state.journal.record(execution, "step.done", { stepId: "a", evidence: { proof } });
  const verdict = { decision: "roll-back", reason: "errors", by: "tminus", at: "" } as const;
  await state.journal.record(execution, "run.verdict", { ...verdict }, { verdict });
  // In small transactions: within one, each change of the run's row makes the next one slower.
  for (let left = events - 5; left > 0; left -= BATCH) {
    await state.pool.query(
      `select tminus.append_event($1, 'step.progress', 'tminus', json_build_object('note', 'a "note" ü \u2028 ' || n)::text)
       from generate_series(1, $2) n`,
      [id, Math.min(BATCH, left)],
    );
  }
  const endState = { verdict: "verified", reason: "", at: "" } as const;
  await state.journal.endRun(execution, "rolled-back", endState, { outcome: "rolled-back", endState });
  return id;
}

export async function recordsOf(state: TestState, project: string, run?: string): Promise<AuditRecord[]> {
  const records: AuditRecord[] = [];
  const filter = { project, evidence: true, ...(run === undefined ? {} : { run }) };
  for await (const record of readAudit(state.pool, filter)) records.push(record);
  return records;
}
