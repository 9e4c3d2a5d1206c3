import pg from "pg";
import type { Clock } from "../../lib/clock.ts";
import type { Workbench } from "./workbench.ts";

/** Extensions that ship with the in-process database, by the name of their module when it differs. */
const MODULES: Readonly<Record<string, string>> = { "uuid-ossp": "uuid_ossp" };
const SHIPPED =
  "amcheck bloom btree_gin btree_gist citext cube dict_int dict_xsyn earthdistance fuzzystrmatch hstore intarray isn lo " +
  "ltree moddatetime pageinspect pg_trgm pgcrypto seg tablefunc tcn tsm_system_rows tsm_system_time unaccent uuid-ossp";

/**
 * PostgreSQL in this process and in memory: one session, so that nobody can watch it at work. `wanted`: the
 * extensions that the files name; those that do not ship with it are missing.
 */
export async function openPgliteWorkbench(wanted: readonly string[], clock: Clock): Promise<Workbench> {
  const { PGlite } = await import("@electric-sql/pglite");
  const extensions = await loadExtensions(wanted.filter((name) => SHIPPED.split(" ").includes(name)));
  const database = await PGlite.create({ extensions });
  const answered = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw asDatabaseError(error);
    }
  };
  return {
    query: <Row extends object>(text: string, values?: unknown[]) =>
      answered(async () => {
        if (values !== undefined) return (await database.query<Row>(text, values)).rows;
        return ((await database.exec(text)).at(-1)?.rows ?? []) as Row[];
      }),
    rollback: () => answered(async () => void (await database.exec("rollback"))),
    reset: () =>
      answered(async () => void (await database.exec("reset session authorization; reset role; reset all"))),
    async watched(work) {
      const startedMs = clock.monotonicMs();
      await work();
      return { locks: undefined, workMs: clock.monotonicMs() - startedMs };
    },
    [Symbol.asyncDispose]: () => database.close(),
  };
}

type Extensions = Record<string, never>;

async function loadExtensions(names: readonly string[]): Promise<Extensions> {
  const loaded: Record<string, unknown> = {};
  for (const name of names) {
    const module = MODULES[name] ?? name;
    const exports = (await import(`@electric-sql/pglite/contrib/${module}`)) as Record<string, unknown>;
    loaded[module] = exports[module];
  }
  return loaded as Extensions;
}

/** What the rest of the room knows as an answer of a database. */
function asDatabaseError(error: unknown): unknown {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return error;
  const answer = new pg.DatabaseError(error.message, error.message.length, "error");
  answer.code = error.code;
  if ("position" in error && typeof error.position === "string") answer.position = error.position;
  return answer;
}
