import type { AnchorReading } from "../model/audit.ts";
import type { AuditReport } from "./verify.ts";

/** `unknown`: why it is not known whether the history is that which was written down outside. */
export interface AuditVerdict {
  verdict: AuditReport["verdict"] | "unknown";
  unknown?: string;
}

/** What the records and the reading of the anchors say together; what is broken is so whatever could not be found out. */
export function auditVerdict(
  report: Pick<AuditReport, "verdict" | "anchors" | "head">,
  reading: AnchorReading | undefined,
): AuditVerdict {
  const unknown = whyUnknown(report, reading);
  if (unknown === undefined) return { verdict: report.verdict };
  return { verdict: report.verdict === "sound" ? "unknown" : report.verdict, unknown };
}

function whyUnknown(
  { anchors, head }: Pick<AuditReport, "anchors" | "head">,
  reading: AnchorReading | undefined,
): string | undefined {
  if (reading === undefined) return undefined;
  if (reading.unknown !== undefined) return `${reading.place} could not be read: ${reading.unknown}`;
  return anchors.checked === 0 && head.sequence > 0
    ? `${reading.place} has no anchor of this project`
    : undefined;
}
