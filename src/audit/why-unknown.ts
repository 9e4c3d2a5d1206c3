import type { AnchorReading } from "../model/audit.ts";
import type { AuditReport } from "./verify.ts";

/** Why it is not known whether the history is that which was written down outside; undefined when nothing is in doubt. */
export function whyUnknown(
  { anchors, head }: Pick<AuditReport, "anchors" | "head">,
  reading: AnchorReading | undefined,
): string | undefined {
  if (reading === undefined) return undefined;
  if (reading.unknown !== undefined) return `${reading.place} could not be read: ${reading.unknown}`;
  return anchors.checked === 0 && head.sequence > 0
    ? `${reading.place} has no anchor of this project`
    : undefined;
}
