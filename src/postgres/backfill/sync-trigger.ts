import type { Session } from "../session/connect.ts";
import type { Backfill, BackfillIdentity, Leaf } from "./backfill.ts";
import { readLeaves } from "./catalog.ts";

/**
 * Sets the columns in every row that anybody but the backfill's own batches writes. Named so that it is the last
 * of the table's BEFORE triggers, and ALWAYS, so that replicated rows are filled, too. It runs as its owner
 * under a fixed search path: a writer who may not call what the expressions call can go on writing. Row security is
 * off, as in the batches: when another table hides rows from the owner, the expression fails and does not take
 * them for missing.
 *
 * Call it in a transaction: when it returns, nobody who writes without it is left, and the page counts are
 * those of this moment. Answers the trigger's oid. Safe to repeat.
 */
export async function installTrigger(
  session: Session,
  backfill: Backfill,
): Promise<{ triggerOid: number; leaves: Leaf[] }> {
  const { trigger, functionName } = namesOf(backfill);
  await session.query(`lock table ${backfill.table} in share row exclusive mode`);
  await session.query(functionText(backfill));
  await session.query(`revoke all on function ${functionName} from public`);
  await session.query(`drop trigger if exists ${trigger} on ${backfill.table}`);
  await session.query(
    `create trigger ${trigger} before insert or update on ${backfill.table} for each row
     when (current_setting('${batchSetting(backfill)}', true) is distinct from 'on')
     execute function ${functionName}`,
  );
  await session.query(`alter table ${backfill.table} enable always trigger ${trigger}`);
  const [row] = await session.query<{ oid: number }>(
    "select oid::int8::float8 as oid from pg_trigger where tgrelid = $1::oid and tgname = $2",
    [backfill.oid, trigger],
  );
  return { triggerOid: row!.oid, leaves: (await readLeaves(session, backfill.oid)).leaves };
}

/** Takes trigger and function away, in the caller's transaction. Safe to repeat, also when the table is gone. */
export async function dropTrigger(session: Session, identity: BackfillIdentity): Promise<void> {
  const { trigger, functionName } = namesOf(identity);
  const tables = await session.query<{ name: string }>(
    `select format('%I.%I', n.nspname, c.relname) as name
     from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
     where t.tgname = $1 and t.tgparentid = 0`,
    [trigger],
  );
  for (const { name } of tables) await session.query(`drop trigger if exists ${trigger} on ${name}`);
  await session.query(`drop function if exists ${functionName}`);
}

/** The oid of the trigger when it is there and works, in every partition. Reads only. */
export async function findTrigger(session: Session, backfill: Backfill): Promise<number | undefined> {
  const [row] = await session.query<{ oid: number }>(
    `select oid::int8::float8 as oid from pg_trigger where tgrelid = $1::oid and tgname = $2 and tgenabled = 'A'
       and not exists (select from pg_partition_tree($1::oid) p where not exists (select from pg_trigger t
         where t.tgrelid = p.relid and t.tgname = $2 and t.tgenabled = 'A'))`,
    [backfill.oid, triggerName(backfill)],
  );
  return row?.oid;
}

/** Whether it is on any table. Reads only. */
export async function findTriggerByName(session: Session, identity: BackfillIdentity): Promise<boolean> {
  const rows = await session.query("select from pg_trigger where tgname = $1", [namesOf(identity).trigger]);
  return rows.length > 0;
}

/** Set to "on" in the batches: the server then does not call the trigger's function for their rows. */
export function batchSetting({ digest }: BackfillIdentity): string {
  return `tminus.backfill_${digest}`;
}

export function triggerName(identity: BackfillIdentity): string {
  return namesOf(identity).trigger;
}

function namesOf({ digest }: BackfillIdentity): { trigger: string; functionName: string } {
  return { trigger: `zzz_tminus_backfill_${digest}`, functionName: `tminus.backfill_${digest}()` };
}

/** All values are computed from the row as written before any is set, as UPDATE does. */
function functionText(backfill: Backfill): string {
  const { columns, where, digest, searchPath } = backfill;
  const variables = columns.map(({ type }, index) => `tminus_value_${index} ${type};`);
  const values = columns.map(({ overNew }, index) => `tminus_value_${index} := ${overNew};`);
  const sets = columns.map(({ name }, index) => `new.${name} := tminus_value_${index};`);
  return `create or replace function ${namesOf(backfill).functionName} returns trigger
    language plpgsql security definer set search_path = ${searchPath}, pg_temp set row_security = off as $tminus_${digest}$
    #variable_conflict use_column
    declare
      ${variables.join("\n")}
    begin
      if ${where.overNew} then
        ${values.join("\n")}
        ${sets.join("\n")}
      end if;
      return new;
    end $tminus_${digest}$`;
}
