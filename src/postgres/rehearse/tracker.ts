import type { Seen } from "./rehearsal.ts";
import type { ClassRow, ConstraintRow, LockRow, Reading, TableCounts } from "./reading.ts";

export interface Tracker {
  /** To be called when another transaction begins: locks are gone, and the server may count anew. */
  restart(reading: Reading): void;
  /**
   * What changed since the reading before. `outside`: the locks as another session saw them, for a statement whose
   * locks are gone when it ends; undefined for a statement in a transaction, "unseen" when nobody could look.
   */
  see(reading: Reading, options: { isTruncate: boolean; outside?: LockRow[] | "unseen" }): Seen;
}

const TABLE_KINDS = ["r", "p", "m", "f"];
const NO_COUNTS: TableCounts = { scans: 0, tuples: 0, inserted: 0, updated: 0, deleted: 0 };

/** Pure: turns readings into what each statement did. Only what `baseline` has counts as having existed before. */
export function openTracker(baseline: Reading): Tracker {
  const before = new Map(baseline.classes.map((row) => [row.oid, row]));
  const known = new Map(before);
  const constraints = new Map(baseline.constraints.map((row) => [keyOf(row), row.isValidated]));
  let last = baseline;
  let held = new Set<string>();
  let goneBefore = new Set<string>();

  const tableBefore = (oid: string): ClassRow | undefined => {
    const row = before.get(oid);
    return row !== undefined && TABLE_KINDS.includes(row.kind) ? row : undefined;
  };

  function newIndexes(classes: readonly ClassRow[]): Seen["indexes"] {
    const contents = new Set(
      [...known.values()].filter(({ kind }) => kind === "i").map(({ filenode }) => filenode),
    );
    return classes.flatMap((row): Seen["indexes"] => {
      const table = tableBefore(row.table);
      if (table === undefined || !["i", "I"].includes(row.kind)) return [];
      const was = known.get(row.oid);
      if (was !== undefined && was.filenode === row.filenode && was.isValid === row.isValid) return [];
      const isReused = was === undefined && row.kind === "i" && contents.has(row.filenode);
      const how = was === undefined ? (isReused ? "reused" : "built") : "rebuilt";
      return [{ index: row.name, relation: table.name, how, valid: row.isValid }];
    });
  }

  return {
    restart(reading) {
      last = reading;
      held = new Set();
    },
    see(reading, { isTruncate, outside }) {
      const locks = outside === undefined ? reading.locks : outside === "unseen" ? [] : outside;
      const now = new Set(locks.map(({ oid, mode }) => `${oid} ${mode}`));
      const changed = reading.classes.filter((row) => known.get(row.oid)?.filenode !== row.filenode);
      const stored = changed.flatMap(({ oid, filenode }) =>
        tableBefore(oid) !== undefined && filenode !== "0" ? [before.get(oid)!.name] : [],
      );
      const gone = reading.gone.filter((oid) => !goneBefore.has(oid));
      const seen: Seen = {
        locks: lockedTables(
          locks.filter(({ oid, mode }) => !held.has(`${oid} ${mode}`)),
          before,
        ),
        locksSeen: outside !== "unseen",
        rewrites: isTruncate ? [] : stored,
        truncated: isTruncate ? stored : [],
        dropped: unique(gone.flatMap((oid) => before.get(oid)?.name ?? [])),
        indexes: isTruncate ? [] : newIndexes(reading.classes),
        validated: reading.constraints.flatMap((row) =>
          tableBefore(row.table) !== undefined && row.isValidated && constraints.get(keyOf(row)) !== true
            ? [{ constraint: row.name, relation: before.get(row.table)!.name }]
            : [],
        ),
        ...countsSince(last.counts, reading.counts, tableBefore),
        // Truncating empties the indexes by building them on nothing.
        ...(isTruncate ? { scans: [] } : {}),
        walBytes: Math.max(0, reading.walPosition - last.walPosition),
      };
      for (const row of reading.classes) known.set(row.oid, row);
      for (const row of reading.constraints) constraints.set(keyOf(row), row.isValidated);
      held = outside === undefined ? now : new Set();
      goneBefore = new Set([...goneBefore, ...gone]);
      last = reading;
      return seen;
    },
  };
}

/**
 * The planner opens every index of a table that it reads: an access exclusive lock on one keeps everybody from the
 * table, although the table itself is not locked so.
 */
function lockedTables(locks: readonly LockRow[], before: ReadonlyMap<string, ClassRow>): Seen["locks"] {
  const tables: Seen["locks"] = [];
  const add = (lock: Seen["locks"][number]): void => {
    if (!tables.some(({ relation, mode }) => relation === lock.relation && mode === lock.mode))
      tables.push(lock);
  };
  for (const { oid, mode } of locks) {
    const row = before.get(oid);
    if (row !== undefined && !["i", "I"].includes(row.kind)) add({ relation: row.name, mode });
  }
  for (const { oid, mode } of locks) {
    const row = before.get(oid);
    const table = row === undefined ? undefined : before.get(row.table);
    if (row === undefined || table === undefined || mode !== "access exclusive") continue;
    add({ relation: table.name, mode, through: row.name });
  }
  return tables;
}

function countsSince(
  last: ReadonlyMap<string, TableCounts>,
  now: ReadonlyMap<string, TableCounts>,
  tableBefore: (oid: string) => ClassRow | undefined,
): Pick<Seen, "scans" | "rows"> {
  const scans: Seen["scans"] = [];
  const rows: Seen["rows"] = [];
  for (const [oid, counts] of now) {
    const table = tableBefore(oid);
    if (table === undefined) continue;
    const was = last.get(oid) ?? NO_COUNTS;
    if (counts.scans > was.scans) scans.push({ relation: table.name, tuples: counts.tuples - was.tuples });
    const change = {
      inserted: counts.inserted - was.inserted,
      updated: counts.updated - was.updated,
      deleted: counts.deleted - was.deleted,
    };
    if (Object.values(change).some((count) => count > 0)) rows.push({ relation: table.name, ...change });
  }
  return { scans, rows };
}

/** A change of type makes a table's constraints anew under their names. */
function keyOf({ table, name }: ConstraintRow): string {
  return `${table} ${name}`;
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
