import * as z from "zod";
import { matchesGlob } from "../../lib/glob.ts";
import { exceptionFields, isInForce } from "../accepted.ts";
import type { Finding } from "./scan.ts";

/** One line of the file of secrets that are known and may stay. */
export const allowedSecretSchema = z.strictObject({
  file: z.string().min(1).describe("Path from the root of the repository; * stands for anything"),
  rule: z.string().min(1).describe("Rule as the gate prints it"),
  sample: z.string().min(1).optional().describe("Sample as the gate prints it; any when left out"),
  ...exceptionFields,
});

export type AllowedSecret = z.output<typeof allowedSecretSchema>;

export interface SortedFindings {
  open: Finding[];
  /** Of the open ones, those that an exception covered until it ended. */
  expired: { finding: Finding; until: string }[];
  accepted: { finding: Finding; entry: AllowedSecret }[];
  /** Entries that no finding needs. */
  unused: AllowedSecret[];
}

/** Tells what may stay from what may not, on this day. Pure. */
export function sortFindings(
  findings: readonly Finding[],
  entries: readonly AllowedSecret[],
  now: Date,
): SortedFindings {
  const sorted: SortedFindings = { open: [], expired: [], accepted: [], unused: [] };
  const used = new Set<AllowedSecret>();
  for (const finding of findings) {
    const fitting = entries.filter((entry) => covers(entry, finding));
    for (const entry of fitting) used.add(entry);
    const inForce = fitting.find((entry) => isInForce(entry, now));
    if (inForce !== undefined) sorted.accepted.push({ finding, entry: inForce });
    else {
      sorted.open.push(finding);
      if (fitting[0] !== undefined) sorted.expired.push({ finding, until: fitting[0].until });
    }
  }
  sorted.unused = entries.filter((entry) => !used.has(entry));
  return sorted;
}

function covers({ file, rule, sample }: AllowedSecret, finding: Finding): boolean {
  return (
    rule === finding.rule &&
    matchesGlob(finding.file, file) &&
    (sample === undefined || sample === finding.sample)
  );
}
