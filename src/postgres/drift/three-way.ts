import { compareFingerprints, describeProperties, keyOf, type Difference } from "./compare.ts";
import type { Fingerprint } from "./fingerprint.ts";

/** One live object that is not what it should be, and since when. */
export interface Drift {
  difference: Difference;
  /** Which of the two it differs from. */
  from: ("files" | "recorded")[];
  /** One sentence for people. */
  sentence: string;
}

export interface ThreeWay {
  live: Fingerprint;
  files: Fingerprint | undefined;
  /** `at`: ISO 8601. `migratedSince`: files have run since then, which may have changed what was recorded. */
  recorded: { fingerprint: Fingerprint; at: string; migratedSince: boolean } | undefined;
}

/**
 * Pure: compares the live schema with what the files say and with what it was when tminus last verified it, and
 * says for each object who changed it: somebody outside tminus, or the files. What files that have run since have made as
 * they say is no drift.
 */
export function judgeDrift({ live, files, recorded }: ThreeWay): Drift[] {
  const fromFiles = byName(files === undefined ? [] : compareFingerprints(files, live));
  const fromRecorded = byName(recorded === undefined ? [] : compareFingerprints(recorded.fingerprint, live));
  const migratedSince = recorded?.migratedSince === true;
  const names = new Set([...fromFiles.keys(), ...fromRecorded.keys()]);
  return [...names].flatMap((name) => {
    const [one, other] = [fromFiles.get(name), fromRecorded.get(name)];
    if (one === undefined && files !== undefined && migratedSince) return [];
    const difference = (one ?? other)!;
    const from: Drift["from"] = [];
    if (one !== undefined) from.push("files");
    if (other !== undefined) from.push("recorded");
    const why = explain(one, other, { hasFiles: files !== undefined, at: recorded?.at, migratedSince });
    return [{ difference, from, sentence: `${name}: ${why}` }];
  });
}

function explain(
  files: Difference | undefined,
  recorded: Difference | undefined,
  { hasFiles, at, migratedSince }: { hasFiles: boolean; at: string | undefined; migratedSince: boolean },
): string {
  if (recorded !== undefined) {
    const since = `${happened(recorded)} outside tminus after ${at}`;
    const either = `${happened(recorded)} after ${at}, by a file that has run since or outside tminus`;
    if (!hasFiles) return `${migratedSince ? either : since} (recorded ≠ live)${details(recorded)}`;
    if (files === undefined)
      return `${since}, to what the files say (recorded ≠ live, files = live)${details(recorded)}`;
    if (files.expected?.hash === recorded.expected?.hash)
      return `${since} (recorded ≠ live, files = recorded)${details(recorded)}`;
    return `${migratedSince ? either : since}, and the files say something else again (files ≠ recorded ≠ live)${details(files)}`;
  }
  const is = { missing: "missing", extra: "not in the files", changed: "not as the files say" }[files!.state];
  if (at === undefined) return `${is} (files ≠ live)${details(files!)}`;
  return `${is}, and was so on ${at} (recorded = live, files ≠ live)${details(files!)}`;
}

function happened({ state }: Difference): string {
  return { missing: "dropped", extra: "created", changed: "changed" }[state];
}

function details({ properties }: Difference): string {
  return properties.length === 0 ? "" : `; ${describeProperties(properties)}`;
}

function byName(differences: readonly Difference[]): Map<string, Difference> {
  return new Map(differences.map((difference) => [keyOf(difference), difference]));
}
