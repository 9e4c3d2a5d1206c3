import { TminusError } from "../errors.ts";
import { evidenceOf, jsonObject, type AuditEvent, type AuditRecord, type AuditRun } from "../model/audit.ts";
import type { JsonObject } from "../model/json.ts";
import { planSchema, type Plan } from "../model/plan.ts";
import { openVerification, type AuditReport } from "./verify.ts";

export const STATEMENT_PAYLOAD = "application/vnd.in-toto+json";
const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";
/** Names the form of the predicate below; raised when a field changes its meaning. */
export const RUN_PREDICATE = "urn:tminus:attestation:run:v1";

const SHA256 = /^[0-9a-f]{64}$/;
/** By which people decide or attest something. */
const DECISIONS = new Set(["signal.received", "run.unlocked"]);

/**
 * What is stated of one run that has ended: an in-toto Statement v1 about its release and its plan. `records` are those of
 * the run; they are verified first. The same history gives the same text. Errors: AUDIT_BROKEN, RUN_UNKNOWN, USAGE_INVALID.
 */
export function runStatement(records: readonly AuditRecord[]): JsonObject {
  const report = verified(records);
  const run = records.find((record) => record.kind === "run");
  if (run === undefined) throw new TminusError("RUN_UNKNOWN", "there is no such run");
  if (run.state !== "ended")
    throw new TminusError("USAGE_INVALID", `run ${run.id} has not ended`, {
      hint: "Wait for its end: tminus wait.",
    });
  const plan = planSchema.parse(JSON.parse(run.plan));
  const events = records.filter((record) => record.kind === "event");
  return {
    _type: STATEMENT_TYPE,
    subject: subjectsOf(run, plan),
    predicateType: RUN_PREDICATE,
    predicate: {
      ...aboutRun(run, plan),
      gates: plan.gates.map(({ id, kind, verdict, reason }) => ({ id, kind, verdict, reason })),
      decisions: events.flatMap(decisionOf),
      evidence: events.flatMap((event) =>
        evidenceOf(event).map((sha256) => ({ event: event.sequence, sha256 })),
      ),
      verdict: stored(run.verdict),
      outcome: run.outcome,
      endState: stored(run.endState),
      logs: { run: { ...run.head }, project: { ...report.head } },
    },
  };
}

function verified(records: readonly AuditRecord[]): AuditReport {
  const verification = openVerification();
  for (const record of records) verification.add(record);
  const report = verification.report();
  if (report.verdict === "sound") return report;
  throw new TminusError(
    "AUDIT_BROKEN",
    `nothing is stated of a history that was changed: ${report.problems[0]?.text}`,
  );
}

function subjectsOf({ id, planHash }: AuditRun, { release, inputs }: Plan): JsonObject[] {
  const files = inputs.find(({ name, digest }) => name.startsWith("release files") && SHA256.test(digest));
  return [
    ...(files === undefined ? [] : [{ name: `release/${release}`, digest: { sha256: files.digest } }]),
    { name: `plan/${id}`, digest: { sha256: planHash } },
  ];
}

function aboutRun({ id, createdAt, createdBy, planHash }: AuditRun, plan: Plan): JsonObject {
  const { project, purpose, release, previousRelease = null, environment, inputs } = plan;
  return {
    run: id,
    project,
    environment: environment.name,
    purpose,
    release,
    previousRelease,
    startedBy: createdBy,
    createdAt,
    plan: { hash: planHash, inputs: inputs.map(({ name, digest }) => ({ name, digest })) },
  };
}

function decisionOf({ type, data, actor, at, sequence }: AuditEvent): JsonObject[] {
  return DECISIONS.has(type) ? [{ event: sequence, at, actor, type, said: stored(data) }] : [];
}

function stored(text: string | null): JsonObject | null {
  return (jsonObject(text ?? "") as JsonObject | undefined) ?? null;
}
