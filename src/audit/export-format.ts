import { TminusError } from "../errors.ts";
import { auditRecordSchema, type AuditRecord } from "../model/audit.ts";

/** One record as a line of an export. */
export function exportLine(record: AuditRecord): string {
  return `${JSON.stringify(record)}\n`;
}

export interface UnreadableRecord {
  kind: "unreadable";
  reason: string;
}

/**
 * The records of an export, whose text comes in pieces. A line that is none is told as such; only where the first one is
 * not the header of an export, this is no export. Errors: AUDIT_UNREADABLE.
 */
export async function* readExport(
  chunks: AsyncIterable<string>,
): AsyncGenerator<AuditRecord | UnreadableRecord> {
  let isFirst = true;
  for await (const line of linesOf(chunks)) {
    const record = readLine(line);
    if (isFirst && record.kind !== "header") {
      throw new TminusError("AUDIT_UNREADABLE", "the first line is not the header of an export of tminus", {
        hint: "Give a file that tminus audit export wrote.",
      });
    }
    isFirst = false;
    yield record;
  }
  if (isFirst) throw new TminusError("AUDIT_UNREADABLE", "the file is empty");
}

/** Ended by a line feed and by nothing else: other line separators may stand in the texts. */
async function* linesOf(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let rest: string[] = [];
  for await (const chunk of chunks) {
    const [first = "", ...others] = chunk.split("\n");
    rest.push(first);
    for (const other of others) {
      yield rest.join("");
      rest = [other];
    }
  }
  if (rest.join("") !== "") yield rest.join("");
}

function readLine(line: string): AuditRecord | UnreadableRecord {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return { kind: "unreadable", reason: error instanceof Error ? error.message : String(error) };
  }
  const parsed = auditRecordSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return { kind: "unreadable", reason: `${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`.trim() };
}
