import { access, constants, readdir } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { TminusError } from "../../errors.ts";
import { inheritedEnvironment } from "../../lib/inherited-environment.ts";
import { run } from "../../lib/process.ts";

const VERSION_TIMEOUT_MS = 30_000;
/** Where Debian's packages put the programs of each major version. */
const DEBIAN = "/usr/lib/postgresql";

/** pg_dump and pg_restore of one version. */
export interface PgPrograms {
  dump: string;
  restore: string;
  /** "18.1". */
  version: string;
  major: number;
}

/**
 * The programs in `folder`, or else the first on PATH, or of Debian's packages, that are not older than `leastMajor`,
 * that of `what`.
 * Errors: BACKUP_FAILED, with what to install.
 */
export async function findPgPrograms(
  folder: string | undefined,
  leastMajor: number,
  what: string,
): Promise<PgPrograms> {
  const found: string[] = [];
  for (const place of folder === undefined ? await usualPlaces() : [folder]) {
    const programs = await programsIn(place);
    if (programs !== undefined && programs.major >= leastMajor) return programs;
    if (programs !== undefined) found.push(`${programs.dump} is of version ${programs.version}`);
  }
  throw new TminusError(
    "BACKUP_FAILED",
    `${what} is of PostgreSQL ${leastMajor}, and there is no pg_dump and pg_restore for it${found.length === 0 ? "" : `: ${found.join(", ")}`}`,
    {
      hint: `Install postgresql-client-${leastMajor} or newer, or name its folder as programs, or use tool: copy.`,
    },
  );
}

async function usualPlaces(): Promise<string[]> {
  const path = (inheritedEnvironment().PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  const majors = (await readdir(DEBIAN).catch(() => [])).filter((name) => /^\d+$/.test(name));
  const debian = majors.toSorted((one, other) => Number(other) - Number(one));
  return [...path, ...debian.map((major) => join(DEBIAN, major, "bin"))];
}

async function programsIn(folder: string): Promise<PgPrograms | undefined> {
  const [dump, restore] = [join(folder, "pg_dump"), join(folder, "pg_restore")];
  try {
    for (const program of [dump, restore]) await access(program, constants.X_OK);
  } catch {
    // Not there, or not ours to run: another folder may have them.
    return undefined;
  }
  const [version, same] = await Promise.all([dump, restore].map(versionOf));
  if (version === undefined || version !== same) return undefined;
  return { dump, restore, version, major: Number.parseInt(version, 10) };
}

async function versionOf(program: string): Promise<string | undefined> {
  const { exitCode, output } = await run([program, "--version"], {
    env: inheritedEnvironment(),
    timeoutMs: VERSION_TIMEOUT_MS,
  });
  return exitCode === 0 ? /\(PostgreSQL\) (\d+\.\d+)/.exec(output)?.[1] : undefined;
}
