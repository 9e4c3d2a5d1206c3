import { TminusError } from "../../errors.ts";
import type { MigrateOptions } from "../migrations/migrate-options.ts";
import { inFencedTransaction } from "../migrations/transaction.ts";
import { withSession } from "../migrations/with-session.ts";
import type { Session } from "../session/connect.ts";
import { splitStatements } from "../sql/statements.ts";
import {
  ensureReadOnlyTables,
  readMode,
  readSnapshot,
  removeMode,
  removeSnapshot,
  saveSnapshot,
  writeMode,
  type ModeRow,
} from "./snapshot.ts";
import { isAsLeft, restoreGrants, takeGrants } from "./grants-of-table.ts";
import { addTrigger, createTrigger, dropTrigger, readTables, readTriggers } from "./tables.ts";
import { readStatus, verifyWrites } from "./verify.ts";

export type ReadOnlyOptions = Omit<MigrateOptions, "format">;

export interface ModeReport {
  /** Tables that were changed by this call. */
  tables: number;
  /** For people: what is not as one would expect. */
  notes: string[];
}

/**
 * Makes every table refuse writes from anybody, table by table, each in a short fenced transaction that also
 * keeps what restores it; then proves it by a write to each that must fail. Safe to repeat, also after a crash
 * anywhere, and while it is on: tables made since are then included. Errors: READONLY_REFUSED,
 * READONLY_UNPROVEN, MIGRATION_LOCKED, LEASE_LOST, DATABASE_UNREACHABLE.
 */
export function turnOn(except: readonly string[], options: ReadOnlyOptions): Promise<ModeReport> {
  return withSession(options, async (session) => {
    const foreign = (await readTables(session, except)).filter(({ isOurs }) => !isOurs);
    if (foreign.length > 0) {
      throw new TminusError(
        "READONLY_REFUSED",
        `this role is not the owner of ${foreign.map(({ table }) => table).join(", ")}`,
        {
          hint: "Connect as their owner, or leave their schemas out (except: [auth], --except auth): they stay writable then.",
        },
      );
    }
    await ensureReadOnlyTables(session);
    await writeState(session, options, "turning on", except);
    const snapshot = new Map((await readSnapshot(session)).map((row) => [row.oid, row]));
    let changed = 0;
    for (const { oid, table, isRefusing } of await readTables(session, except)) {
      const known = snapshot.get(oid);
      if (isRefusing && known !== undefined && (await isAsLeft(session, known))) continue;
      options.progress(`${table}: refusing writes`);
      await inTableTransaction(session, options, createTrigger(table), async () => {
        await session.query(`lock table only ${table} in share row exclusive mode`);
        await saveSnapshot(session, await takeGrants(session, table, { oid, known }));
        await addTrigger(session, table);
      });
      changed++;
    }
    const covered = new Set((await readTables(session, except)).map(({ oid }) => oid));
    const released = await release(session, options, (oid) => !covered.has(oid));
    await prove(session, "on");
    await writeState(session, options, "on", except);
    const { byTriggerAlone } = await readStatus(session);
    const alone = byTriggerAlone.map(
      (table) =>
        `${table}: its grants could not be restored exactly, so they stay; its trigger refuses writes`,
    );
    return { tables: changed + released.tables, notes: [...released.notes, ...alone] };
  });
}

/**
 * Restores what the tables had, takes the triggers away, and proves it by a write to each that must succeed
 * (and is rolled back). Safe to repeat, also after a crash anywhere and when it is off. Errors as turnOn.
 */
export function turnOff(options: ReadOnlyOptions): Promise<ModeReport> {
  return withSession(options, async (session) => {
    const before = await readMode(session);
    if (before !== undefined) await writeState(session, options, "turning off", before.except);
    const released = await release(session, options, () => true);
    await prove(session, "off");
    if (before !== undefined)
      await inTableTransaction(session, options, undefined, () => removeMode(session));
    return released;
  });
}

/** Lets writes into the tables that are asked for, each in a transaction that also restores its grants. */
async function release(
  session: Session,
  options: ReadOnlyOptions,
  isMeant: (oid: number) => boolean,
): Promise<ModeReport> {
  const notes: string[] = [];
  const names = new Map((await readTriggers(session)).map(({ oid, table }) => [oid, table]));
  const snapshot = new Map((await readSnapshot(session)).map((row) => [row.oid, row]));
  const oids = [...new Set([...names.keys(), ...snapshot.keys()])].filter(isMeant);
  for (const oid of oids) {
    const row = snapshot.get(oid);
    const table = names.get(oid) ?? (await nameOf(session, oid));
    options.progress(`${table ?? row?.title}: letting writes in`);
    await inTableTransaction(
      session,
      options,
      table === undefined ? undefined : dropTrigger(table),
      async () => {
        if (table === undefined) notes.push(`${row?.title}: it was dropped meanwhile`);
        else await session.query(dropTrigger(table));
        if (table !== undefined && row?.revoked === true)
          notes.push(...(await restoreGrants(session, table, row)));
        if (row !== undefined) await removeSnapshot(session, row);
      },
    );
  }
  return { tables: oids.length, notes };
}

function writeState(
  session: Session,
  options: ReadOnlyOptions,
  state: ModeRow["state"],
  except: readonly string[],
): Promise<void> {
  return inTableTransaction(session, options, undefined, () =>
    writeMode(session, { state, startedBy: options.appliedBy, except: [...except] }),
  );
}

async function inTableTransaction(
  session: Session,
  options: ReadOnlyOptions,
  statement: string | undefined,
  work: () => Promise<void>,
): Promise<void> {
  const statements = statement === undefined ? [] : splitStatements(statement).statements;
  await inFencedTransaction(session, options, {
    label: "read-only mode",
    file: "read-only mode",
    statements,
    async run() {
      await work();
      return true;
    },
  });
}

async function nameOf(session: Session, oid: number): Promise<string | undefined> {
  const [row] = await session.query<{ name: string }>(
    `select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = $1`,
    [oid],
  );
  return row?.name;
}

async function prove(session: Session, wanted: "on" | "off"): Promise<void> {
  const { verdict, reason } = await verifyWrites(session, wanted);
  if (verdict === "pass") return;
  throw new TminusError("READONLY_UNPROVEN", `read-only mode ${wanted}: ${reason}`, {
    details: { verdict },
  });
}
