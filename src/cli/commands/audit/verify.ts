import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { readExport, type UnreadableRecord } from "../../../audit/export-format.ts";
import { auditVerdict } from "../../../audit/verdict.ts";
import { openVerification, type AuditReport } from "../../../audit/verify.ts";
import { TminusError, toErrorRecord } from "../../../errors.ts";
import type { ExitCode } from "../../../error-codes.ts";
import type { Anchor, AnchorReading, AuditRecord } from "../../../model/audit.ts";
import { clean } from "../../../report/text.ts";
import type { VerifyOptions } from "../../audit-program.ts";
import type { CommandContext } from "../../command-context.ts";
import { auditText } from "../../output/audit-text.ts";
import { countProgress } from "../../output/count-progress.ts";

/** Exit code 1 when something was changed, and when that could not be found out. */
export async function verifyAudit(context: CommandContext, options: VerifyOptions): Promise<ExitCode> {
  const { output, host, cancelled } = context;
  const { bundle, key } = options;
  if (bundle !== undefined || key !== undefined) {
    if (bundle === undefined || key === undefined || (options.file ?? options.anchors) !== undefined)
      throw new TminusError("USAGE_INVALID", "--bundle and --key go together, and with nothing else", {
        hint: "Write: tminus audit verify --bundle <file> --key <file of the public key>.",
      });
    const { verifyBundle } = await import("./verify-bundle.ts");
    return verifyBundle(context, { bundle, key });
  }
  const reading = await anchorsFor(context, options);
  const records =
    options.file === undefined
      ? (await context.open()).audit({ evidence: options.evidence })
      : recordsIn(resolve(host.directory, options.file));
  const report = await verifyRecords(context, records, reading?.anchors ?? []);
  cancelled.throwIfAborted();
  const { verdict, unknown } = auditVerdict(report, reading);
  const exitCode = verdict === "sound" ? 0 : 1;
  const place = reading?.place;
  output.result(
    {
      ...report,
      verdict,
      anchors: { ...report.anchors, place: place ?? null, unknown: unknown ?? null },
      exitCode,
    },
    auditText({ report, place, unknown }, output.style),
  );
  return exitCode;
}

async function anchorsFor(
  context: CommandContext,
  { file, anchors: path }: VerifyOptions,
): Promise<AnchorReading | undefined> {
  if (path !== undefined) {
    const { readAnchorFile } = await import("../../../compose/anchors.ts");
    const full = resolve(context.host.directory, path);
    return { place: `the file ${full}`, anchors: await readAnchorFile(full) };
  }
  return file === undefined ? (await context.open()).anchors(context.cancelled) : undefined;
}

async function verifyRecords(
  { host, output, cancelled }: CommandContext,
  records: AsyncIterable<AuditRecord | UnreadableRecord>,
  anchors: readonly Anchor[],
): Promise<AuditReport> {
  const verification = openVerification(anchors);
  const progress = countProgress(host, output, "records verified");
  try {
    for await (const record of records) {
      cancelled.throwIfAborted();
      verification.add(record);
      progress.count++;
    }
  } finally {
    progress.stop();
  }
  return verification.report();
}

async function* recordsIn(path: string): AsyncGenerator<AuditRecord | UnreadableRecord> {
  try {
    yield* readExport(createReadStream(path, "utf8"));
  } catch (error) {
    if (error instanceof TminusError) throw error;
    throw new TminusError("AUDIT_UNREADABLE", `${clean(path)}: ${toErrorRecord(error).message}`, {
      cause: error,
    });
  }
}
