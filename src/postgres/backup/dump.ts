import { rm } from "node:fs/promises";
import { join } from "node:path";
import { TminusError } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import { canonicalJson } from "../../lib/hash.ts";
import { randomText } from "../../lib/id.ts";
import { addressOf, readOnly, type Session, type SessionOptions } from "../session/connect.ts";
import { COMPRESSION, SUFFIX, compressor } from "./compression.ts";
import { readContents } from "./compare.ts";
import { copyOut } from "./copy.ts";
import { openPartial, publish, writeFileOf, writeStream, type StoredBackup } from "./files.ts";
import {
  BACKUP_FORMAT,
  addContents,
  sealManifest,
  type BackupManifest,
  type BackupTable,
} from "./manifest.ts";
import { writeArchive } from "./pg-archive.ts";
import { findPgPrograms, type PgPrograms } from "./pg-programs.ts";
import { trackBytes } from "./progress.ts";
import { shareOut } from "./queue.ts";
import { explainRefusal } from "./refusal.ts";
import { RowContentSum } from "./row-content.ts";
import {
  copyOutSql,
  rangesOf,
  readRowSources,
  settleSession,
  type PageRange,
  type RowSource,
} from "./rows.ts";
import { USER_NAMESPACE } from "./schema/catalog.ts";
import { readSchema } from "./schema/read-schema.ts";
import { schemaScript, type BackupObject } from "./schema/script.ts";
import { readSequenceStates } from "./sequences.ts";

/** The oldest server whose catalog is read completely and that finds ranges of pages by itself. */
const OLDEST_MAJOR = 14;
const LOCK_TIMEOUT_MS = 10_000;
const SLACK_BYTES = 16 * 1024 ** 2;

export interface DumpOptions {
  connectionString: string;
  /** Folder of all backups of this database. */
  directory: string;
  /** Key of the run's step; null for a backup made by a person. */
  key: string | null;
  /** Whose database it is, for people. */
  label: string;
  /** Tables whose rows are left out: "public.logs". */
  exclude: readonly string[];
  /** How many connections copy at once. */
  jobs: number;
  /** The longest that one statement may take. */
  statementTimeoutMs: number;
  /** How long a schema change that holds a table is waited for; 10 s when left out. */
  lockTimeoutMs?: number;
  /** What writes the rows: our own reader of COPY, or pg_dump, which then also writes the objects. Default: copy. */
  tool?: "copy" | "pg_dump" | undefined;
  /** Folder of pg_dump and pg_restore; found where they usually are when left out. */
  programs?: string | undefined;
  clock: Clock;
  signal?: AbortSignal;
  progress: (text: string) => void;
}

/**
 * Writes everything that is committed at one moment into a new folder, without keeping anybody from writing.
 * Schema changes wait until it has ended. The backup is not proven yet. Nothing is left when it fails.
 * Errors: BACKUP_FAILED, DATABASE_UNREACHABLE.
 */
export async function dumpDatabase(options: DumpOptions): Promise<StoredBackup> {
  let partial: string | undefined;
  try {
    return await explainRefusal("the database refuses to be backed up", () =>
      readOnly(sessionOptions(options), async (session) => {
        await settleSession(session);
        const startedAt = options.clock.now();
        const snapshot = await openSnapshot(session);
        const programs =
          options.tool === "pg_dump"
            ? await findPgPrograms(options.programs, snapshot.server.major, "the server")
            : undefined;
        const sources = await lockTables(session, options);
        const total = sum(sources.map(({ bytes }) => bytes));
        partial = await openPartial(options.directory, total / 2 + SLACK_BYTES);
        const schema = await writeSchema(session, partial);
        const tables =
          programs === undefined
            ? { tables: await writeTables(options, snapshot.id, partial, sources, total) }
            : await dumpArchive(options, { snapshot: snapshot.id, partial, sources, programs });
        const { id: _, ...position } = snapshot;
        const manifest = sealManifest({
          format: BACKUP_FORMAT,
          id: `${startedAt
            .toISOString()
            .replace(/[-:]|\.\d+/g, "")
            .toLowerCase()}-${randomText(6)}`,
          key: options.key,
          label: options.label,
          source: addressOf(options.connectionString),
          startedAt: startedAt.toISOString(),
          ...schema,
          ...position,
          compression: COMPRESSION,
          ...tables,
          sequences: await readSequenceStates(session),
          excluded: options.exclude.toSorted(),
          endedAt: options.clock.now().toISOString(),
        });
        return { folder: await publish(partial, options.directory, manifest), manifest };
      }),
    );
  } catch (error) {
    if (partial !== undefined) await rm(partial, { recursive: true, force: true });
    throw error;
  }
}

function sessionOptions({ connectionString, statementTimeoutMs, signal }: DumpOptions): SessionOptions {
  return {
    connectionString,
    purpose: "backup",
    statementTimeoutMs,
    ...(signal === undefined ? {} : { signal }),
  };
}

type Snapshot = Pick<BackupManifest, "database" | "server" | "snapshot"> & { id: string };

async function openSnapshot(session: Session): Promise<Snapshot> {
  const rows = await session.query<{
    id: string;
    database: string;
    version: string;
    major: number;
    at: Date;
    lsn: string;
    transactions: string;
  }>(
    `select pg_export_snapshot() as id, current_database() as database, current_setting('server_version') as version,
       current_setting('server_version_num')::int / 10000 as major, transaction_timestamp() as at,
       (case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end)::text as lsn,
       pg_current_snapshot()::text as transactions`,
  );
  const { id, database, version, major, at, lsn, transactions } = rows[0]!;
  if (major < OLDEST_MAJOR) {
    throw new TminusError("BACKUP_FAILED", `PostgreSQL ${version} is too old: backups need ${OLDEST_MAJOR}`);
  }
  return { id, database, server: { version, major }, snapshot: { at: at.toISOString(), lsn, transactions } };
}

/** A table that is rewritten or emptied between the snapshot and its lock would look empty. */
async function lockTables(
  session: Session,
  { exclude, lockTimeoutMs = LOCK_TIMEOUT_MS }: DumpOptions,
): Promise<RowSource[]> {
  await session.query(`set local lock_timeout = ${Math.floor(lockTimeoutMs)}`);
  const sources = await readRowSources(session);
  const unknown = exclude.filter((name) => !sources.some((source) => source.name === name));
  if (unknown.length > 0) {
    throw new TminusError("BACKUP_FAILED", `there is no table ${unknown.join(", ")} to leave out`, {
      hint: "Write its name with its schema, as the database prints it: public.logs.",
    });
  }
  if (sources.length === 0) return [];
  await session.query(
    `lock table ${sources.map(({ name }) => `only ${name}`).join(", ")} in access share mode`,
  );
  const changed = await session.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r' and c.relpersistence <> 't' and ${USER_NAMESPACE} and c.relfilenode <> 0
       and pg_relation_filenode(c.oid) is distinct from c.relfilenode`,
  );
  if (changed.length > 0) {
    throw new TminusError(
      "BACKUP_FAILED",
      `${changed.map(({ name }) => name).join(", ")} was rewritten just when the backup began`,
      { hint: "Run it again when no migration is running." },
    );
  }
  return sources.filter(({ name }) => !exclude.includes(name));
}

async function writeSchema(session: Session, partial: string) {
  const { objects, uncovered } = await readSchema(session);
  const plain: BackupObject[] = objects.map(({ key, phase, sql, group }) => ({
    key,
    phase,
    sql,
    ...(group === undefined ? {} : { group }),
  }));
  const roles = await session.query<{ role: string }>(
    `select distinct quote_ident(pg_get_userbyid(r)) as role from (select refobjid as r from pg_shdepend
       where refclassid = 'pg_authid'::regclass and dbid = (select oid from pg_database where datname = current_database()) union all select 10) s
     where pg_get_userbyid(r) !~ '^(pg_|unknown)' order by 1`,
  );
  return {
    schema: await writeFileOf(partial, "schema.json", `${canonicalJson(plain)}\n`),
    script: await writeFileOf(partial, "schema.sql", schemaScript(plain)),
    objects: plain.length,
    uncovered,
    roles: roles.map(({ role }) => role),
  };
}

interface Part {
  table: number;
  index: number;
  range: PageRange;
}

async function writeTables(
  options: DumpOptions,
  snapshot: string,
  partial: string,
  sources: readonly RowSource[],
  total: number,
): Promise<BackupTable[]> {
  const parts: Part[] = sources.flatMap((source, table) =>
    rangesOf(source).map((range, index) => ({ table, index, range })),
  );
  const written = sources.map((): BackupTable["parts"] => []);
  const track = trackBytes("rows copied", total, options.clock, options.progress);
  await shareOut(parts, options.jobs, options.signal, (signal, takeAll) =>
    readOnly({ ...sessionOptions(options), signal }, async (session) => {
      await session.query(`set transaction snapshot '${snapshot}'`);
      await settleSession(session);
      await takeAll(async ({ table, index, range }) => {
        const source = sources[table]!;
        const name = join(
          "data",
          `${number(table, 5)}-${number(index, 4)}.${source.format}.${SUFFIX[COMPRESSION]}`,
        );
        const sum = new RowContentSum(source);
        const rows = () => copyOut(session, copyOutSql(source, range), sum);
        const file = await writeStream(partial, name, rows, compressor(), signal);
        written[table]![index] = { ...file, content: sum.content };
        track(source.bytes / rangesOf(source).length);
      });
    }),
  );
  return sources.map(({ name, columns, format }, table) => ({
    name,
    columns,
    format,
    content: addContents(written[table]!.map(({ content }) => content)),
    parts: written[table]!,
  }));
}

/** The contents are counted by ourselves, in the same snapshot: what pg_dump wrote is held against them. */
async function dumpArchive(
  options: DumpOptions,
  from: { snapshot: string; partial: string; sources: readonly RowSource[]; programs: PgPrograms },
): Promise<Pick<BackupManifest, "archive" | "tables">> {
  const { connectionString, jobs, exclude, statementTimeoutMs: timeoutMs, signal } = options;
  const { snapshot, partial, sources, programs } = from;
  const { lockTimeoutMs = LOCK_TIMEOUT_MS } = options;
  options.progress(`pg_dump ${programs.version}`);
  const archive = await writeArchive(partial, {
    connectionString,
    jobs,
    exclude,
    timeoutMs,
    signal,
    snapshot,
    lockTimeoutMs,
    programs,
  });
  options.progress("counting the rows in the same snapshot");
  const contents = await readContents(sources, { ...sessionOptions(options), jobs, snapshot });
  const tables = sources.map(({ name, columns, format }) => ({
    name,
    columns,
    format,
    content: contents.get(name)!,
    parts: [],
  }));
  return { archive, tables };
}

function number(value: number, digits: number): string {
  return String(value).padStart(digits, "0");
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
