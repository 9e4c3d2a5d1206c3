import { scanSql } from "../sql/scan-sql.ts";
import type { Production } from "./production.ts";
import { refusalText, runPieces, type Refusal, type RehearsedFile } from "./run-statements.ts";
import type { Workbench } from "./workbench.ts";

/** SQLSTATEs of a name that is not there: table, schema, function, column, other object. */
const NOT_THERE = ["42P01", "3F000", "42883", "42703", "42704"];

/** Extensions that a file makes. */
export function wantedExtensions(files: readonly RehearsedFile[]): string[] {
  const found = files.flatMap(({ up }) =>
    up.flatMap(({ code }) => /^create extension (?:if not exists )?"?([\w-]+)"?/i.exec(code)?.[1] ?? []),
  );
  return [...new Set(found)];
}

/** Every word of the files' statements, quotes gone: whether a table is meant by any of them. */
export function wordsOf(files: readonly RehearsedFile[]): Set<string> {
  const words = new Set<string>();
  for (const { up, down } of files) {
    for (const sql of [...up.map(({ text }) => text), down?.sql ?? ""]) {
      for (const { kind, text } of scanSql(sql).tokens) {
        if (kind === "word") words.add(text.toLowerCase());
        if (kind === "quoted-name") words.add(text.slice(1, -1));
      }
    }
  }
  return words;
}

/** Makes the roles that the files name and production has; without a password, and unable to log in. */
export async function makeRoles(
  bench: Workbench,
  { roles }: Production,
  isNamed: (role: string) => boolean,
): Promise<void> {
  for (const role of roles) {
    if (role.startsWith("pg_") || !isNamed(role)) continue;
    const quoted = `"${role.replaceAll('"', '""')}"`;
    await bench.query(
      `do $do$ begin create role ${quoted}; exception when duplicate_object or unique_violation then null; end $do$`,
    );
  }
}

/**
 * Applies the files that have run, so that the schema is production's as far as the files make it. Answers what
 * cannot be applied here.
 */
export async function replay(
  bench: Workbench,
  history: readonly RehearsedFile[],
  progress: (text: string) => void,
): Promise<{ file: string; refusal: Refusal } | undefined> {
  for (const [index, { file, transactional, up }] of history.entries()) {
    if (index % 50 === 0) progress(`making the schema: file ${index + 1} of ${history.length}`);
    const refusal = await runPieces(bench, up, transactional);
    if (refusal !== undefined) return { file, refusal };
  }
  await bench.reset();
  return undefined;
}

/**
 * Why a refusal says nothing about the file: what it needs is in production and not here. Undefined when the file
 * would be refused there as well, as far as can be known.
 */
export function excuse(refusal: Refusal, file: string, production: Production): string | undefined {
  const extension =
    /extension "([^"]+)" is not available/.exec(refusal.message)?.[1] ??
    /control file "(?:.*\/)?([^/"]+)\.control"/.exec(refusal.message)?.[1];
  if (extension !== undefined)
    return `could not rehearse: extension ${extension} is not on the scratch server`;
  if (/must be loaded via .*shared_preload_libraries/.test(refusal.message))
    return `could not rehearse: ${refusal.message}`;
  if (!NOT_THERE.includes(refusal.sqlState)) return undefined;
  const named = /"([^"]+)"|(?:function|procedure) ([\w.]+)\(/.exec(refusal.message);
  const name = (named?.[1] ?? named?.[2] ?? "").replace(/^public\./, "");
  const schema = name.includes(".") ? name.split(".")[0]! : name;
  const isThere =
    production.rows.has(name) ||
    production.roles.includes(name) ||
    (production.schemas.includes(schema) && !["public", "pg_catalog"].includes(schema));
  if (!isThere) return undefined;
  return `could not rehearse: production has ${name}, which the files do not make (${refusalText(file, refusal)})`;
}
