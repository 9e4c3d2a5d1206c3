import { join } from "node:path";
import type { Clock } from "../../lib/clock.ts";
import type { Session } from "../session/connect.ts";
import { copyIn } from "./copy.ts";
import { readChecked, readRows, type StoredBackup } from "./files.ts";
import { makeObjects } from "./make-objects.ts";
import { damaged, type BackupTable } from "./manifest.ts";
import { trackBytes } from "./progress.ts";
import { shareOut } from "./queue.ts";
import { grouped } from "./schema/catalog.ts";
import type { BackupObject } from "./schema/script.ts";

export interface LoadOptions {
  /** How many connections copy and build at once. */
  jobs: number;
  clock: Clock;
  signal?: AbortSignal;
  progress: (text: string) => void;
  open(signal: AbortSignal): Promise<Session>;
}

type Part = BackupTable["parts"][number];

/** A piece of work for one connection. */
interface Work {
  /** Table whose rows it brings; undefined for indexes. */
  brings: string | undefined;
  /** Table whose rows it needs; undefined when it needs all. */
  needs: string | undefined;
  run(session: Session): Promise<void>;
}

/**
 * Copies the rows of a backup into its tables, and builds the indexes of each as soon as its rows are there. Every
 * file is checked on the way. Errors: BACKUP_INVALID (names the file), BACKUP_FAILED.
 */
export async function loadTables(
  backup: StoredBackup,
  indexes: readonly BackupObject[],
  options: LoadOptions,
): Promise<void> {
  const { jobs, signal, clock, progress } = options;
  const { tables } = backup.manifest;
  const total = tables.reduce((sum, table) => sum + bytesOf(table), 0);
  const track = trackBytes("rows restored", total, clock, progress);
  const copies = tables
    .flatMap((table) => copiesOf(backup, table, bytesOf(table) * jobs <= 2 * total, track))
    .toSorted((one, other) => other.bytes - one.bytes);
  const pending = new Map<string, number>();
  for (const { brings } of copies) pending.set(brings, (pending.get(brings) ?? 0) + 1);
  const names = new Set(tables.map(({ name }) => name));
  const isReady = ({ brings, needs }: Work): boolean =>
    brings !== undefined || (needs === undefined ? pending.size === 0 : !pending.has(needs));
  await shareOut<Work>(
    [...copies, ...buildsOf(indexes, names)],
    jobs,
    signal,
    async (stopping, takeAll) => {
      await using session = await options.open(stopping);
      await takeAll(async ({ brings, run }) => {
        await run(session);
        if (brings === undefined) return;
        const left = pending.get(brings)! - 1;
        if (left > 0) pending.set(brings, left);
        else pending.delete(brings);
        if (pending.size === 0) progress(`${indexes.length} indexes`);
      });
    },
    isReady,
  );
  // Nothing is restored from them, but they belong to what is being checked.
  for (const part of tables.flatMap(({ parts }) => parts)) {
    if (part.content.rows === 0) await readChecked(backup.folder, part);
  }
}

/**
 * Where a table is so large that one connection would be busy with it long after the others, its parts are shared
 * out. Else one connection brings all of it in the transaction that emptied it: then the rows need not be logged,
 * and are marked as visible to everybody, which spares the constraints a look at each.
 */
function copiesOf(
  backup: StoredBackup,
  table: BackupTable,
  isWhole: boolean,
  track: (bytes: number) => void,
): (Work & { brings: string; bytes: number })[] {
  const parts = table.parts.filter(({ content }) => content.rows > 0);
  if (parts.length === 0) return [];
  const copy = async (session: Session, part: Part, option: string): Promise<void> => {
    const taken = await copyIn(session, copyInSql(table, option), readRows(backup, part));
    if (taken !== part.content.rows) {
      throw damaged(
        join(backup.folder, part.file),
        `it has ${taken} rows; the manifest says ${part.content.rows}`,
      );
    }
    track(part.bytes);
  };
  const common = { brings: table.name, needs: undefined };
  if (!isWhole) {
    return parts.map((part) => ({
      ...common,
      bytes: part.bytes,
      run: (session) => copy(session, part, ""),
    }));
  }
  const run = async (session: Session): Promise<void> => {
    await session.query("begin");
    await session.query(`truncate only ${table.name}`);
    for (const part of parts) await copy(session, part, ", freeze");
    await session.query("commit");
  };
  return [{ ...common, bytes: bytesOf(table), run }];
}

/**
 * Plain indexes of a table can be built at the same time. What belongs to a constraint or to partitions holds the
 * whole table, and is built one after another.
 */
function buildsOf(indexes: readonly BackupObject[], tables: ReadonlySet<string>): Work[] {
  const plain = indexes.filter(isPlain);
  const groups = grouped(
    indexes.filter((index) => !isPlain(index)),
    ({ group = "" }) => group,
  );
  return [...groups.values(), ...plain.map((index) => [index])].map((objects) => {
    const { group = "" } = objects[0]!;
    return {
      brings: undefined,
      needs: tables.has(group) ? group : undefined,
      run: (session) => makeObjects(session, objects),
    };
  });
}

function isPlain({ sql }: BackupObject): boolean {
  return sql.length === 1 && /^CREATE (UNIQUE )?INDEX (?!.* ON ONLY )/s.test(sql[0]!);
}

function copyInSql({ name, columns, format }: BackupTable, option: string): string {
  return `copy ${name}${columns.length === 0 ? "" : ` (${columns.join(", ")})`} from stdin (format ${format}${option})`;
}

function bytesOf({ parts }: BackupTable): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}
