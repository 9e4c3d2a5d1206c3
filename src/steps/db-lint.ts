import { resolve } from "node:path";
import { migrationFilesInput } from "../model/release-inputs.ts";
import * as z from "zod";
import { referenceSchema } from "../model/runbook.ts";
import type { JsonObject } from "../model/json.ts";
import type { Observation, PlanContext, StepContext, StepResult } from "../model/step-kind.ts";
import { bySeverity, countBySeverity, type Severity } from "../postgres/lint/finding.ts";
import type { PendingReport } from "../postgres/lint/lint-migrations.ts";
import { placeOf, summary, textReport } from "../postgres/lint/report/text.ts";
import { defineStep } from "./define.ts";
import { failedOrThrow } from "./failed-or-throw.ts";
import { connectionString, count } from "./migrate/place.ts";
import { folderSettings } from "./migrate/folder-settings.ts";

const READ_TIMEOUT_MS = 15_000;
const TIMEOUT_MS = 5 * 60_000;
/** A plan is read by people: what is beyond is in the evidence. */
const MAX_LINES = 20;

const schema = z.strictObject({
  ...folderSettings,
  strict: z.boolean().default(false).describe("Whether what needs a person's yes blocks the plan, too"),
  database: referenceSchema
    .optional()
    .describe(
      "Reference of the connection string; the environment's database when left out. It is only read",
    ),
});

type With = z.output<typeof schema>;
type Told = { severity: Severity; text: string; hint: string };
type Facts = {
  pending: string[];
  /** Strongest first. */
  findings: Told[];
  allowed: string[];
  summary: string;
  filesDigest: string;
  ledgerDigest: string;
  problems: { reason: string; fix: string }[];
};
type Context = StepContext<With, Facts>;

/** Looks through the pending migrations before anything runs. */
export const dbLint = defineStep<typeof schema, Facts>({
  kind: "db.lint",
  version: 1,
  inRollback: false,
  changesNothing: true,
  summary:
    "Checks the pending migrations for what stops the service, breaks the running release or loses rows; the plan is blocked by what should not run.",
  requirements: ["C6"],
  schema,
  example: "directory: releases/{release}/migrations\nstrict: true\n",

  async gather(context) {
    const report = await look(context);
    return {
      pending: report.pending,
      findings: bySeverity(report.findings).map(tell),
      allowed: report.allowed.map(
        (finding) => `${placeOf(finding)}: ${finding.rule} is allowed: ${finding.reason}`,
      ),
      summary: summary(report),
      filesDigest: report.filesDigest,
      ledgerDigest: report.ledgerDigest,
      problems: report.problems,
    };
  },

  plan({ with: settings, facts }) {
    const isBlocking = ({ severity }: Told): boolean =>
      severity === "block" || (settings.strict && severity === "ask");
    const told = facts.findings.filter((finding) => !isBlocking(finding));
    const lines = [...told.map(({ severity, text }) => `${severity}: ${text}`), ...facts.allowed];
    const rest = lines.length - MAX_LINES;
    return {
      summary:
        facts.pending.length === 0
          ? ["no migration is pending: nothing to check"]
          : [
              `${count(facts.pending.length)} checked: ${facts.summary}`,
              ...lines.slice(0, MAX_LINES),
              ...(rest > 0 ? [`… and ${rest} more: tminus db lint shows them`] : []),
            ],
      risk: "low",
      durationMs: 0,
      timeoutMs: TIMEOUT_MS,
      undo: { how: "none-needed", text: "it only reads" },
      inputs: [
        migrationFilesInput(settings.directory, facts.filesDigest),
        { name: "migration ledger", digest: facts.ledgerDigest },
      ],
      blocked: [
        ...facts.problems,
        ...facts.findings.filter(isBlocking).map(({ text, hint }) => ({ reason: text, fix: hint })),
      ],
    };
  },

  async observe(context): Promise<Observation> {
    const saved = await context.loadState();
    if (saved === undefined) return { state: "absent", reason: "it does no harm to check again" };
    return { state: "done", reason: "the report was kept", result: saved as JsonObject };
  },

  async act(context): Promise<StepResult> {
    try {
      const report = await look(context);
      if (report.filesDigest !== context.facts.filesDigest) {
        const reason = `the files in ${context.with.directory} changed after the plan was made`;
        return { outcome: "failed", reason, result: {} };
      }
      return await keep(context, report);
    } catch (error) {
      return failedOrThrow(error, "MIGRATION_INVALID");
    }
  },
});

/** By the sizes that the tables have now: what was small when the plan was made may not be any more. */
async function keep(context: Context, report: PendingReport): Promise<StepResult> {
  const evidence = await context.evidence("lint.txt", `${textReport(report).join("\n")}\n`);
  const counts = countBySeverity(report.findings);
  const result = { pending: report.pending, counts, allowed: report.allowed.length, evidence };
  const refused = report.findings.filter(
    ({ severity }) => severity === "block" || (context.with.strict && severity === "ask"),
  );
  const reasons = [
    ...report.problems.map(({ reason }) => reason),
    ...bySeverity(refused).map((finding) => tell(finding).text),
  ];
  if (reasons.length > 0) return { outcome: "failed", reason: reasons.join("; "), result };
  await context.saveState(result);
  return {
    outcome: "done",
    reason: report.pending.length === 0 ? "no migration is pending" : summary(report),
    result,
  };
}

function tell(finding: PendingReport["findings"][number]): Told {
  const { severity, message, hint, rule } = finding;
  return { severity, text: `${placeOf(finding)}: ${message} (${rule})`, hint };
}

async function look(
  context: Pick<PlanContext<With>, "with" | "environment" | "projectDirectory" | "secret" | "signal">,
): Promise<PendingReport> {
  const { directory, format } = context.with;
  // The rules are many files, which most commands do without.
  const { lintPending } = await import("../postgres/lint/lint-migrations.ts");
  return lintPending(
    { directory: resolve(context.projectDirectory, directory), format },
    {
      connectionString: connectionString(context),
      purpose: "look",
      statementTimeoutMs: READ_TIMEOUT_MS,
      signal: context.signal,
    },
  );
}
