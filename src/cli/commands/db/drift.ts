import type { DriftRequest } from "../../../compose/database/drift.ts";
import type { ExitCode } from "../../../error-codes.ts";
import type { CommandContext } from "../../command-context.ts";

export interface DriftOptions {
  dir: string;
  format: DriftRequest["format"];
  expected: DriftRequest["expected"];
  ignore: string[];
  exclude: string[];
  baseline?: string;
  sql?: boolean;
  database?: string;
}

/** Exit code 3 when the schema drifted, 1 when it could not be found out. */
export async function databaseDrift(context: CommandContext, options: DriftOptions): Promise<ExitCode> {
  const { output, cancelled } = context;
  const place = await context.openDatabase(options.database);
  const drift = await import("../../../compose/database/drift.ts");
  const request = { ...options, folder: options.dir, baseline: options.baseline };
  const outcome = await drift.databaseDrift(
    place,
    request,
    (line) => output.note(place.redact(line)),
    cancelled,
  );
  const environment = place.environment ?? null;
  if (outcome.state === "unknown") {
    output.result({ environment, state: "unknown", reason: outcome.reason, exitCode: 1 }, [
      `it could not be found out whether there is drift: ${outcome.reason}`,
    ]);
    return 1;
  }
  const exitCode = outcome.drift.length > 0 ? 3 : 0;
  const sql = drift.sqlLines(outcome.sql);
  output.result(
    {
      environment,
      state: exitCode === 0 ? "none" : "drift",
      against: outcome.against,
      notes: outcome.notes,
      objects: outcome.live.objects.length,
      drift: drift.driftJson(outcome.drift),
      sql,
      exitCode,
    },
    [
      ...outcome.notes.map((note) => `note: ${note}`),
      exitCode === 0
        ? `no drift: ${outcome.live.objects.length} objects are as expected (${outcome.against.join(" and ")})`
        : `${outcome.drift.length} objects drifted (compared with ${outcome.against.join(" and ")})`,
      ...drift.driftLines(outcome.drift),
      ...(options.sql === true ? ["", ...sql] : []),
    ],
  );
  return exitCode;
}
