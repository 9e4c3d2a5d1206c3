import { join } from "node:path";
import * as z from "zod";
import { TminusError } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import { openSession, type Session, type SessionOptions } from "../session/connect.ts";
import { checkFiles, readChecked, type StoredBackup } from "./files.ts";
import { loadTables } from "./load-tables.ts";
import { makeObjects } from "./make-objects.ts";
import { damaged, type BackupManifest } from "./manifest.ts";
import { restoreArchive } from "./pg-archive.ts";
import { explainRefusal } from "./refusal.ts";
import { settleSession } from "./rows.ts";
import { USER_NAMESPACE, notOfExtension } from "./schema/catalog.ts";
import { backupObjectSchema, schemaScript, type BackupObject } from "./schema/script.ts";

export interface RestoreOptions {
  /** Of a database that is empty: anything else is refused. */
  connectionString: string;
  /** How many connections copy and build at once. */
  jobs: number;
  /** Make the roles that the backup names and the server lacks, without login; else they are a reason to refuse. */
  createRoles: boolean;
  /** Whether the database will be worked in, so that the planner needs statistics of it. */
  analyze: boolean;
  statementTimeoutMs: number;
  /** Folder of pg_restore, for an archive of pg_dump; found where it usually is when left out. */
  programs?: string | undefined;
  clock: Clock;
  signal?: AbortSignal;
  progress: (text: string) => void;
}

/**
 * Fills an empty database from a backup: objects, rows, indexes, constraints, and everything else, checking every
 * file on the way. A database in which it failed is of no use. Errors: BACKUP_INVALID (names the file),
 * RESTORE_REFUSED (not empty, roles missing), BACKUP_FAILED, DATABASE_UNREACHABLE.
 */
export async function restoreBackup(backup: StoredBackup, options: RestoreOptions): Promise<void> {
  const objects = await readObjects(backup);
  await explainRefusal("the backup cannot be restored", async () => {
    await using session = await openRestoring(options);
    await refuseUnlessEmpty(session);
    await prepareRoles(session, backup.manifest, options.createRoles);
    await prepareSchemas(session, objects);
    if (backup.manifest.archive !== undefined) {
      await restoreFromArchive(backup, options);
      await setSequences(session, backup.manifest);
      if (options.analyze) await session.query("analyze");
      return;
    }
    await makeObjects(
      session,
      objects.filter(({ phase }) => phase === "before"),
    );
    await loadTables(
      backup,
      objects.filter(({ phase }) => phase === "index"),
      { ...options, open: (signal) => openRestoring(options, signal) },
    );
    options.progress("constraints, triggers and the rest");
    await makeObjects(
      session,
      objects.filter(({ phase }) => phase === "after"),
    );
    await setSequences(session, backup.manifest);
    await makeObjects(
      session,
      objects.filter(({ phase }) => phase === "last"),
    );
    if (options.analyze) await session.query("analyze");
  });
}

async function restoreFromArchive(backup: StoredBackup, options: RestoreOptions): Promise<void> {
  const { connectionString, jobs, statementTimeoutMs: timeoutMs, programs, signal } = options;
  options.progress("pg_restore");
  await checkFiles(backup, signal);
  await restoreArchive(backup, { connectionString, jobs, timeoutMs, programs, signal });
}

/** The objects of a backup, in the order in which they are made. Errors: BACKUP_INVALID. */
export async function readObjects({ folder, manifest }: StoredBackup): Promise<BackupObject[]> {
  const path = join(folder, manifest.schema.file);
  const text = await readChecked(folder, manifest.schema);
  const objects = z.array(backupObjectSchema).safeParse(parseJson(text));
  if (!objects.success) throw damaged(path, "it does not hold a schema");
  if (objects.data.length !== manifest.objects) {
    throw damaged(path, `it has ${objects.data.length} objects; the manifest says ${manifest.objects}`);
  }
  if ((await readChecked(folder, manifest.script)) !== schemaScript(objects.data)) {
    throw damaged(join(folder, manifest.script.file), "it does not say the same as schema.json");
  }
  return objects.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Said by the schema, which undefined does not fit.
    return undefined;
  }
}

async function openRestoring(options: RestoreOptions, signal = options.signal): Promise<Session> {
  const { connectionString, statementTimeoutMs } = options;
  const settings: SessionOptions = { connectionString, purpose: "restore", statementTimeoutMs };
  const session = await openSession(signal === undefined ? settings : { ...settings, signal });
  await settleSession(session);
  await session.query(
    `select set_config(name, value, false) from (values ('check_function_bodies', 'off'), ('maintenance_work_mem', '256MB'),
       ('synchronous_commit', 'off'), ('default_transaction_read_only', 'off')) s (name, value)`,
  );
  return session;
}

async function refuseUnlessEmpty(session: Session): Promise<void> {
  const rows = await session.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where ${USER_NAMESPACE} and ${notOfExtension("pg_class", "c.oid")}
     union all select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
     where ${USER_NAMESPACE} and ${notOfExtension("pg_proc", "p.oid")}
     union all select n.nspname from pg_namespace n where ${USER_NAMESPACE} and n.nspname <> 'public' limit 3`,
  );
  if (rows.length === 0) return;
  throw new TminusError(
    "RESTORE_REFUSED",
    `the database is not empty: it has ${rows.map(({ name }) => name).join(", ")}; restoring over it would lose what was written since the backup`,
  );
}

async function prepareRoles(session: Session, { roles }: BackupManifest, create: boolean): Promise<void> {
  const missing = await session.query<{ role: string }>(
    `select r as role from unnest($1::text[]) r where not exists (select 1 from pg_roles where quote_ident(rolname) = r)`,
    [roles],
  );
  if (missing.length === 0) return;
  if (!create) {
    throw new TminusError(
      "RESTORE_REFUSED",
      `the server has no role ${missing.map(({ role }) => role).join(", ")}, which the backup's objects name`,
      { hint: "Create them first, or add --create-roles to have them made without login." },
    );
  }
  for (const { role } of missing) {
    // Another restore may make the same role at the same time.
    await session.query(
      `do $$ begin create role ${role} nologin; exception when duplicate_object or unique_violation then null; end $$`,
    );
  }
}

/** A new database has a schema public, the backup's perhaps not. */
async function prepareSchemas(session: Session, objects: readonly BackupObject[]): Promise<void> {
  if (!objects.some(({ key }) => key === "schema public"))
    await session.query("drop schema if exists public");
}

async function setSequences(session: Session, { sequences }: BackupManifest): Promise<void> {
  await session.query(
    `select setval(name::regclass, value::bigint, called) from unnest($1::text[], $2::text[], $3::boolean[]) s (name, value, called)`,
    [
      sequences.map(({ name }) => name),
      sequences.map(({ lastValue }) => lastValue),
      sequences.map(({ isCalled }) => isCalled),
    ],
  );
}
