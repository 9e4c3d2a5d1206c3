import type { HistoryFormat } from "../../migrations/migration.ts";

/** Where a file stands: its version and its name, and what its path is made of. */
interface Named {
  version: string;
  name: string;
  pathOf: (version: string, name: string) => string;
}

/**
 * Paths for the files that stand for one, in their order: the first has the path of the original, the others the
 * versions after it. `suffixes`: one for each further file. `next` is the path of the file after the original, which
 * all have to come before. A reason when there is no room.
 */
export function nameFiles(
  format: HistoryFormat,
  original: string,
  suffixes: readonly (string | undefined)[],
  next: string | undefined,
): string[] | { reason: string } {
  if (suffixes.length === 0) return [original];
  const named = read(format, original);
  if (named === undefined) return { reason: `${original} has no version that others could follow.` };
  const { version, name, pathOf } = named;
  const versions = versionsAfter(version, suffixes.length);
  const following = next === undefined ? undefined : read(format, next)?.version;
  const last = versions.at(-1)!;
  // Other tools compare texts.
  const isLonger = format !== "native" && last.length > version.length;
  if (isLonger || (following !== undefined && BigInt(last) >= BigInt(following))) {
    return {
      reason: `There is no room for ${suffixes.length} more files between ${original} and ${next ?? "the end"}: give the later files, where none has run, higher versions.`,
    };
  }
  const further = suffixes.map((suffix, index) =>
    pathOf(versions[index]!, `${name}_${(suffix ?? "rest").replaceAll("-", "_")}`),
  );
  return [original, ...further];
}

function read(format: HistoryFormat, path: string): Named | undefined {
  const ending = format === "prisma" ? "/migration.sql" : ".sql";
  const found = /^(\d{1,20})_(.+)$/.exec(path.endsWith(ending) ? path.slice(0, -ending.length) : "");
  if (found === null) return undefined;
  return { version: found[1]!, name: found[2]!, pathOf: (version, name) => `${version}_${name}${ending}` };
}

/** Seconds of a timestamp of 14 digits, else numbers; as many digits as before. */
function versionsAfter(version: string, count: number): string[] {
  const moment = version.length === 14 ? timeOf(version) : undefined;
  return Array.from({ length: count }, (_, index) => {
    if (moment !== undefined)
      return new Date(moment + (index + 1) * 1000).toISOString().replaceAll(/\D/g, "").slice(0, 14);
    return String(BigInt(version) + BigInt(index + 1)).padStart(version.length, "0");
  });
}

/** Undefined when it is no moment: then it is a number. */
function timeOf(version: string): number | undefined {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(version) ?? [];
  const text = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const ms = Date.parse(text);
  return Number.isNaN(ms) || new Date(ms).toISOString() !== text ? undefined : ms;
}
