import type { ScratchServer } from "../../model/ports.ts";
import type { HistoryFormat, Migration } from "../migrations/migration.ts";
import { openSession, sqlStateOf, type Session } from "../session/connect.ts";
import type { Statement } from "../sql/statements.ts";
import { readFingerprint, type Fingerprint, type FingerprintOptions } from "./fingerprint.ts";
import { BASELINE_ROLES, baselineOf } from "./shadow-baseline.ts";

export interface ShadowOptions {
  scratch: ScratchServer;
  format: HistoryFormat;
  /** Roles of the live server, which files may name; those that are missing are made on the scratch server. */
  roles: readonly string[];
  /** SQL that runs before the files: what the platform provides. */
  baseline?: string | undefined;
  fingerprint: FingerprintOptions;
  signal: AbortSignal;
  progress: (text: string) => void;
}

/** "failed": a file does not run on an empty database, so that nothing is known about what the files say. */
export type ShadowOutcome =
  | { state: "replayed"; fingerprint: Fingerprint }
  | { state: "failed"; reason: string };

type Replayed = Pick<Migration, "file" | "transactional" | "up">;

const STATEMENT_TIMEOUT_MS = 120_000;

/**
 * What the files say: they are run in their order in a throw-away database, which is then looked at.
 * Errors: STATE_UNAVAILABLE, STATE_PLATFORM when there is no scratch server.
 */
export async function replayInShadow(
  migrations: readonly Replayed[],
  options: ShadowOptions,
): Promise<ShadowOutcome> {
  options.progress(`replaying ${migrations.length} files in a scratch database`);
  await using database = await options.scratch.createDatabase();
  await using session = await openSession({
    connectionString: database.connectionString,
    purpose: "shadow",
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    signal: options.signal,
  });
  let place = "the roles";
  try {
    await ensureRoles(session, [...BASELINE_ROLES[options.format], ...options.roles]);
    place = "the baseline";
    await session.query(baselineOf(options.format).sql);
    if (options.baseline !== undefined) await session.query(options.baseline);
    for (const migration of migrations) {
      place = migration.file;
      await session.reset();
      await replay(session, migration);
    }
    await session.reset();
    place = "the catalog";
    return { state: "replayed", fingerprint: await readFingerprint(session, options.fingerprint) };
  } catch (error) {
    if (sqlStateOf(error) === undefined) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    return { state: "failed", reason: `${place} does not run in the scratch database: ${reason}` };
  }
}

async function replay(session: Session, { transactional, up }: Replayed): Promise<void> {
  if (transactional) await session.query("begin");
  for (const statement of up) await runOne(session, statement, transactional);
  if (transactional) await session.query("commit");
}

/** Roles belong to the server and are there already. */
async function runOne(session: Session, { text, code }: Statement, isInside: boolean): Promise<void> {
  if (!/^create (role|user|group)\b/i.test(code)) {
    await session.query(text);
    return;
  }
  if (isInside) await session.query("savepoint role");
  try {
    await session.query(text);
  } catch (error) {
    // duplicate_object
    if (sqlStateOf(error) !== "42710") throw error;
    if (isInside) await session.query("rollback to savepoint role");
  }
}

async function ensureRoles(session: Session, names: readonly string[]): Promise<void> {
  const rows = await session.query<{ sql: string }>(
    `select format('create role %I nologin', name) as sql from unnest($1::text[]) name
     where not exists (select from pg_roles where rolname = name) group by name`,
    [names],
  );
  for (const { sql } of rows) {
    try {
      await session.query(sql);
    } catch (error) {
      // Made by another session at the same moment: duplicate_object, unique_violation.
      if (!["42710", "23505"].includes(sqlStateOf(error) ?? "")) throw error;
    }
  }
}
