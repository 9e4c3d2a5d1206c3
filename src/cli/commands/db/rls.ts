import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { TminusError } from "../../../errors.ts";
import type { ExitCode } from "../../../error-codes.ts";
import type { CommandContext } from "../../command-context.ts";

export interface RlsOptions {
  settings?: string;
  tenantColumn?: string;
  database?: string;
}

const EXITS = { pass: 0, fail: 3, unknown: 1 } as const;

/** Exit code 3 when row security has a hole, 1 when it could not be found out. */
export async function databaseRls(context: CommandContext, options: RlsOptions): Promise<ExitCode> {
  const { output, cancelled } = context;
  const place = await context.openDatabase(options.database);
  const rls = await import("../../../compose/database/rls.ts");
  const settings = {
    ...(options.settings === undefined
      ? {}
      : await readSettings(resolve(place.projectDirectory, options.settings))),
    ...(options.tenantColumn === undefined ? {} : { tenantColumn: options.tenantColumn }),
  };
  const report = await rls.databaseRls(place, settings, (line) => output.note(place.redact(line)), cancelled);
  const exitCode = EXITS[report.verdict];
  const { findings, probes, changes } = report;
  const shown = { leak: "LEAK", unknown: "unknown", undeclared: "note" } as const;
  output.result({ environment: place.environment ?? null, ...report, changes: changes ?? null, exitCode }, [
    report.verdict === "unknown" ? `it could not be found out: ${report.reason}` : report.reason,
    ...findings.map((finding) => {
      const word = finding.level === "fail" ? "HOLE" : "note";
      return `${word}  ${rls.findingName(finding)}: ${finding.title} (${finding.detail}); ${finding.fix}`;
    }),
    ...probes.flatMap((probe) =>
      probe.outcome in shown
        ? [`${shown[probe.outcome as keyof typeof shown]}  ${rls.probeName(probe)}: ${probe.reason}`]
        : [],
    ),
    ...(changes ?? []).map(({ role, change, what }) => `since last verified: ${role} ${change} ${what}`),
  ]);
  return exitCode;
}

async function readSettings(file: string): Promise<object> {
  try {
    const value: unknown = JSON.parse(await readFile(file, "utf8"));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch (error) {
    throw new TminusError(
      "USAGE_INVALID",
      `${file}: ${error instanceof Error ? error.message : String(error)}`,
      {
        hint: "Give a JSON file with the settings of a db.rls step.",
        cause: error,
      },
    );
  }
  throw new TminusError("USAGE_INVALID", `${file} holds no JSON object`, {
    hint: "Give a JSON file with the settings of a db.rls step.",
  });
}
