import { resolve } from "node:path";
import { runStatement, STATEMENT_PAYLOAD } from "../../../audit/statement.ts";
import { TminusError, toErrorRecord } from "../../../errors.ts";
import type { ExitCode } from "../../../error-codes.ts";
import { canonicalJson } from "../../../lib/hash.ts";
import { writeFileAtomically } from "../../../lib/write-file.ts";
import type { AuditRecord } from "../../../model/audit.ts";
import { clean } from "../../../report/text.ts";
import type { CommandContext } from "../../command-context.ts";

/** Verifies the run's history, then states and signs what it says. */
export async function bundleRun(
  context: CommandContext,
  id: string,
  { output: file }: { output: string },
): Promise<ExitCode> {
  const { output, host, cancelled } = context;
  const tminus = await context.open();
  const run = await tminus.findRun(id);
  const records: AuditRecord[] = [];
  for await (const record of tminus.audit({ evidence: true, run: run.id })) {
    cancelled.throwIfAborted();
    records.push(record);
  }
  const statement = runStatement(records);
  const { envelope, publicKey } = await tminus.sign(STATEMENT_PAYLOAD, canonicalJson(statement));
  const path = resolve(host.directory, file);
  try {
    writeFileAtomically(path, `${JSON.stringify(envelope)}\n`);
  } catch (error) {
    throw new TminusError(
      "USAGE_INVALID",
      `the bundle could not be written: ${toErrorRecord(error).message}`,
      {
        hint: "Name a file in a folder that exists and may be written to.",
        cause: error,
      },
    );
  }
  output.result({ run: run.id, file: path, statement, publicKey, exitCode: 0 }, [
    `run ${run.id} of ${clean(run.plan.release)} is bundled in ${file}; whoever has the key's public half verifies it with: tminus audit verify --bundle ${file} --key <file>`,
  ]);
  return 0;
}
