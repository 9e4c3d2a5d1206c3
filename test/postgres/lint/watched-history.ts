import { systemClock } from "../../../src/lib/clock.ts";
import { discoverHistory } from "../../../src/postgres/migrations/read-history.ts";
import { madeUpValue } from "../../../src/postgres/rehearse/made-up-value.ts";
import type { FileRecord, Rehearsal } from "../../../src/postgres/rehearse/rehearsal.ts";
import { refusalText, runWatched } from "../../../src/postgres/rehearse/run-statements.ts";
import { quoteName, readShapes, type TableShape } from "../../../src/postgres/rehearse/table-shape.ts";
import { openServerWorkbench, type Workbench } from "../../../src/postgres/rehearse/workbench.ts";
import { sqlStateOf } from "../../../src/postgres/session/connect.ts";
import { freshDatabase } from "../../support/database.ts";
import { historySetup } from "../../support/histories.ts";

/** Rows of each table before the first file that finds it there. */
export const ROWS = 200;

/**
 * Applies a history file by file, as deploys of their own, to a real database in which every table that an earlier
 * file made has rows. `mend`: SQL by name of a file, run before it, for rows that it could not be applied to.
 */
export async function watchHistory(
  directory: string,
  mend: Readonly<Record<string, string>>,
): Promise<Rehearsal> {
  const { migrations } = await discoverHistory(directory, "auto");
  const database = await freshDatabase();
  const files: FileRecord[] = [];
  try {
    await using bench = await openServerWorkbench({
      connectionString: database.url,
      clock: systemClock,
      signal: new AbortController().signal,
    });
    await bench.query(historySetup);
    const filled = new Set<string>();
    for (const { file, version, name, up, transactional } of migrations) {
      await fillNewTables(bench, filled);
      const mending = mend[name];
      if (mending !== undefined) await bench.query(mending);
      const { ran, refusal } = await runWatched(bench, up, { transactional, clock: systemClock });
      if (refusal !== undefined) throw new Error(refusalText(file, refusal));
      const statements = ran.map(({ statement, elapsedMs, seen }) => ({
        line: statement.line,
        text: statement.code,
        elapsedMs,
        seen,
        forecast: NOT_ASKED,
      }));
      const record = { file, version, sentence: "", outcome: "passed" as const, locks: [], total: NOT_ASKED };
      files.push({ ...record, statements });
    }
  } finally {
    await database.drop();
  }
  return { ...NOTHING_ELSE, filled: [], canaries: [], limits: [], files };
}

const NOT_ASKED = { state: "unknown", reason: "not asked" } as const;
const NOTHING_ELSE = {
  format: 1,
  tier: 1,
  server: "",
  history: 0,
  total: NOT_ASKED,
} as const;

/** Weakest first: from "share" on, they keep writers away. */
const STOPPING = ["share", "share row exclusive", "exclusive", "access exclusive"];

/**
 * What statements of one transaction did to tables that were there before it and that takes the longer the more rows
 * there are: written anew, read or indexed under a lock against writers, changed from the first row to the last.
 */
export function hazardsOf(statements: FileRecord["statements"]): { line: number; text: string }[] {
  const stopped = new Set<string>();
  return statements.flatMap(({ line, seen }) => {
    for (const { relation, mode } of seen.locks) if (STOPPING.includes(mode)) stopped.add(relation);
    const changed = seen.rows.filter((row) => row.inserted + row.updated + row.deleted >= ROWS / 2);
    const texts = [
      ...seen.rewrites.map((relation) => `${relation} is written anew`),
      ...seen.indexes
        .filter(({ relation, how }) => how !== "reused" && stopped.has(relation))
        .map(({ relation }) => `an index of ${relation} is built`),
      ...seen.scans
        .filter(({ relation, tuples }) => tuples >= ROWS / 2 && stopped.has(relation))
        .map(({ relation }) => `${relation} is read under a lock`),
      ...changed
        .filter(({ updated, deleted }) => updated + deleted >= ROWS / 2)
        .map(({ relation }) => `rows of ${relation} are changed`),
    ];
    return [...new Set(texts)].map((text) => ({ line, text }));
  });
}

/** Row n of every table has the n-th key, so that references find what they refer to. */
async function fillNewTables(bench: Workbench, filled: Set<string>): Promise<void> {
  await bench.query("set session_replication_role = replica");
  for (const table of await readShapes(bench)) {
    if (filled.has(table.oid)) continue;
    filled.add(table.oid);
    // Without the columns that may be NULL first: a key that is added to them later finds nothing to complain about.
    if ((await fill(bench, table, ({ required }) => required)) === 0) await fill(bench, table, () => true);
  }
  await bench.reset();
  await bench.query("analyze");
}

async function fill(
  bench: Workbench,
  table: TableShape,
  isWanted: (column: TableShape["columns"][number]) => boolean,
): Promise<number> {
  const values = new Map<string, string>();
  for (const column of table.columns.filter((each) => !each.isAutomatic && isWanted(each))) {
    const value = madeUpValue(column, table, { rows: ROWS, isUnique: true, statistics: undefined });
    if (value !== undefined) values.set(quoteName(column.name), value);
  }
  const names = [...values.keys()].join(", ");
  const kept = table.checks.map((check) => `(${check}) is not false`).join(" and ") || "true";
  try {
    const rows = await bench.query(
      `insert into ${table.quoted} (${names}) select ${names}
       from (select ${[...values.values()].join(", ")} from generate_series(1::bigint, ${ROWS}) g(i)) made(${names})
       where ${kept} on conflict do nothing returning 1`,
    );
    return rows.length;
  } catch (error) {
    // A partition of other values, or a domain with a check that no made-up value passes.
    if (sqlStateOf(error) === undefined) throw error;
    return 0;
  }
}
