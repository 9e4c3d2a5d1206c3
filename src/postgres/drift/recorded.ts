import type { Fence } from "../../model/ports.ts";
import { ensureLedger } from "../migrations/ledger.ts";
import type { Session } from "../session/connect.ts";
import { checkFence } from "../session/fence.ts";
import type { CatalogObject, Fingerprint } from "./fingerprint.ts";

/** What the schema was when tminus last verified it. */
export interface RecordedFingerprint {
  fingerprint: Fingerprint;
  /** ISO 8601. */
  at: string;
  runKey: string;
  /** Whether files have run since then, by the ledger. */
  migratedSince: boolean;
}

/** Older ones are removed. */
const KEPT = 10;

const TABLE = `create table if not exists tminus.schema_fingerprint (
  run_key text primary key,
  recorded_at timestamptz not null default clock_timestamp(),
  server_version integer not null,
  digest text not null,
  objects jsonb not null
)`;

/**
 * Keeps a fingerprint under the key of a run's step, in one fenced transaction. Safe to repeat.
 * Errors: LEASE_LOST; what the session throws.
 */
export async function recordFingerprint(
  session: Session,
  { fence, runKey }: { fence: Fence; runKey: string },
  { serverVersion, digest, objects }: Fingerprint,
): Promise<void> {
  await ensureLedger(session);
  await fenced(session, fence, async () => {
    await session.query(TABLE);
    await session.query(
      `insert into tminus.schema_fingerprint (run_key, server_version, digest, objects) values ($1, $2, $3, $4)
       on conflict (run_key) do update set recorded_at = clock_timestamp(), server_version = excluded.server_version,
         digest = excluded.digest, objects = excluded.objects`,
      [runKey, serverVersion, digest, JSON.stringify(objects)],
    );
    await session.query(
      `delete from tminus.schema_fingerprint where run_key in
         (select run_key from tminus.schema_fingerprint order by recorded_at desc offset $1)`,
      [KEPT],
    );
  });
}

/** Takes it away again, so that the one before counts. Safe to repeat, and when there is none. */
export async function forgetFingerprint(
  session: Session,
  { fence, runKey }: { fence: Fence; runKey: string },
): Promise<void> {
  if (!(await hasTable(session))) return;
  await fenced(session, fence, async () => {
    await session.query("delete from tminus.schema_fingerprint where run_key = $1", [runKey]);
  });
}

/** The latest, or that of one run's step; undefined when there is none. Reads only. */
export async function readRecorded(
  session: Session,
  runKey?: string,
): Promise<RecordedFingerprint | undefined> {
  if (!(await hasTable(session))) return undefined;
  const [row] = await session.query<{
    at: string;
    runKey: string;
    serverVersion: number;
    digest: string;
    objects: CatalogObject[];
    migratedSince: boolean;
  }>(
    `select to_char(recorded_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as at, run_key as "runKey",
       server_version as "serverVersion", digest, objects,
       exists (select from tminus.migration where applied_at > recorded_at) as "migratedSince"
     from tminus.schema_fingerprint where $1::text is null or run_key = $1 order by recorded_at desc limit 1`,
    [runKey ?? null],
  );
  if (row === undefined) return undefined;
  const { at, runKey: key, serverVersion, digest, objects, migratedSince } = row;
  return { at, runKey: key, migratedSince, fingerprint: { serverVersion, digest, objects } };
}

async function hasTable(session: Session): Promise<boolean> {
  const [row] = await session.query<{ found: boolean }>(
    "select to_regclass('tminus.schema_fingerprint') is not null as found",
  );
  return row?.found === true;
}

async function fenced(session: Session, fence: Fence, work: () => Promise<void>): Promise<void> {
  await session.query("begin transaction isolation level read committed read write");
  try {
    await checkFence(session, fence);
    await work();
    await session.query("commit");
  } catch (error) {
    await session.rollback();
    throw error;
  }
}
