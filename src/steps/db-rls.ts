import { parseDuration } from "../lib/duration.ts";
import type { JsonObject } from "../model/json.ts";
import type { Observation, StepResult } from "../model/step-kind.ts";
import { probePlanOf, rlsSettings } from "../postgres/rls/settings.ts";
import { databaseOf } from "../postgres/session/database-of.ts";
import { defineStep } from "./define.ts";

const EXPECTED_MS = 5_000;

/** Proves row security by asking as those who must not see. */
export const dbRls = defineStep({
  kind: "db.rls",
  version: 1,
  inRollback: false,
  changesNothing: true,
  summary:
    "Checks row security: what the catalog says, and what anonymous, signed-in and foreign users can really read and write.",
  requirements: ["C9"],
  schema: rlsSettings,
  example: `tenantColumn: workspace_id
tenantA: {role: authenticated, claims: {sub: aaaaaaaa-0000-4000-8000-000000000001}, tenant: 1}
tenantB: {role: authenticated, claims: {sub: bbbbbbbb-0000-4000-8000-000000000002}, tenant: 2}
tables:
  countries: {public: [select]}
`,

  plan: ({ with: { schemas, tenantA, tenantB, fixture } }) => ({
    summary: [
      `check policies, grants, views and functions of ${schemas.join(", ")}`,
      `try to read and write as anonymous, signed in${tenantA === undefined || tenantB === undefined ? "" : ", tenant A and tenant B"}; everything is rolled back`,
      ...(fixture === undefined ? [] : [`with the rows of ${fixture}`]),
    ],
    risk: "low",
    durationMs: EXPECTED_MS,
    timeoutMs: parseDuration("10m")!,
    undo: { how: "none-needed", text: "what the probes write is rolled back" },
    inputs: [],
    blocked: [],
  }),

  async observe(): Promise<Observation> {
    return { state: "absent", reason: "checking again does no harm" };
  },

  async act(context): Promise<StepResult> {
    const { checkRls } = await import("../postgres/rls/check-rls.ts");
    const { with: settings, signal } = context;
    const report = await checkRls({
      connectionString: databaseOf(context),
      plan: await probePlanOf(settings, context.projectDirectory),
      accept: settings.accept,
      widening: settings.widening,
      signal,
      progress: (text) => context.progress(text),
    });
    const evidence = await context.evidence("rls.json", JSON.stringify(report, null, 2));
    const result: JsonObject = {
      verdict: report.verdict,
      probes: report.probes.length,
      changes: (report.changes ?? []).map(({ role, change, what }) => `${role} ${change} ${what}`),
      evidence,
    };
    if (report.verdict === "pass") return { outcome: "done", reason: report.reason, result };
    const reason =
      report.verdict === "unknown" ? `it could not be found out: ${report.reason}` : report.reason;
    return { outcome: "failed", reason, result };
  },
});
