import { chosenName } from "./chosen-name.ts";
import { literal } from "./literal.ts";
import { named, relationNamed } from "./names-in-sql.ts";

/** Two columns that say the same while the releases before and after a change run side by side. */
export interface SyncedColumns {
  /** Key of the table. */
  table: string;
  /** The column that is there. */
  from: string;
  /** The one that takes its place. */
  to: string;
  /** Type of `to`, and of `from`, as SQL. */
  toType: string;
  fromType: string;
  /** What `to` must be, as an SQL expression over new. */
  forward: string;
  /** What `from` must be when a release writes `to` alone; undefined: `to` is computed and not to be written. */
  backward?: string;
  /** Schemas in which the expressions look for names. */
  searchPath: readonly string[];
}

export interface SyncTrigger {
  /** Statements, in order. */
  create: string[];
  drop: string[];
}

/**
 * A trigger that keeps both columns true whichever of them a release writes. `to` has no default, so that an INSERT
 * with a value in it was made by the release that knows it. Its name sorts before that of a backfill, which then
 * computes from what is already right, and behind those of the application. A value that `from` cannot hold is
 * refused with its reason: the release before could not read it.
 */
export function syncTrigger(columns: SyncedColumns): SyncTrigger {
  const { table, from, searchPath } = columns;
  const [schema = "", name = ""] = table.split(/\.(.*)/s);
  const functionName = `${named(schema)}.${named(chosenName(name, [from], "sync"))}`;
  const trigger = named(chosenName(`zz_${name}`, [from], "sync"));
  const at = relationNamed(table);
  const path = [...searchPath, "pg_temp"].map(named).join(", ");
  return {
    create: [
      `create function ${functionName}() returns trigger language plpgsql security definer set search_path = ${path} as $sync$
${columns.backward === undefined ? computed(columns) : bothWays(columns, columns.backward)}
$sync$;`,
      `revoke all on function ${functionName}() from public;`,
      `create trigger ${trigger} before insert or update on ${at} for each row execute function ${functionName}();`,
      `alter table ${at} enable always trigger ${trigger};`,
    ],
    drop: [`drop trigger ${trigger} on ${at};`, `drop function ${functionName}();`],
  };
}

function computed({ to, toType, forward }: SyncedColumns): string {
  return `declare
  wanted ${toType};
begin
  wanted := ${forward};
  new.${named(to)} := wanted;
  return new;
end`;
}

function bothWays({ table, from, to, toType, fromType, forward }: SyncedColumns, backward: string): string {
  const [a, b] = [`new.${named(from)}`, `new.${named(to)}`];
  const differ = (one: string, other: string, type: string): string =>
    isPlain(type)
      ? `${one} is distinct from ${other}`
      : `${one}::text collate "C" is distinct from ${other}::text collate "C"`;
  const what = `${table}.${from}`.replaceAll("%", "%%");
  return `declare
  wanted ${toType};
  kept ${fromType};
begin
  wanted := ${forward};
  if tg_op = 'INSERT' then
    if ${b} is null then
      ${b} := wanted;
      return new;
    end if;
  elsif not (${differ(b, `old.${named(to)}`, toType)}) then
    if ${differ(a, `old.${named(from)}`, fromType)} then
      ${b} := wanted;
    end if;
    return new;
  end if;
  if ${differ(b, "wanted", toType)} then
    kept := ${backward};
    ${a} := kept;
    wanted := ${forward};
    if ${differ(b, "wanted", toType)} then
      raise exception using errcode = 'data_exception',
        message = ${literal(`${what} cannot hold this value yet, and the release before still reads it`)};
    end if;
  end if;
  return new;
end`;
}

/** Types whose equal values are the same bytes; of others, as numeric and citext, the texts are compared. */
function isPlain(type: string): boolean {
  return /^(smallint|integer|int|int2|int4|int8|bigint|boolean|bool|uuid|date)$/i.test(type);
}
