import pg from "pg";
import type { JsonObject } from "../../model/json.ts";
import type { Session } from "../session/connect.ts";
import { attempt, changedRows, type Attempt } from "./attempt.ts";
import { isOf, type ProbedTable, type Sample, type Samples } from "./probe-table.ts";

export const probeVerbs = ["select", "insert", "update", "delete"] as const;
export type ProbeVerb = (typeof probeVerbs)[number];

/** One identity before one table; the role has been taken on. */
export interface Scene {
  session: Session;
  table: ProbedTable;
  samples: Samples;
  role: string;
  /** The identity's own tenant and the one that it must not reach; undefined for those without a tenant. */
  tenants: { own: string; foreign: string } | undefined;
}

/** Tries to reach rows that are not the identity's own, in every way that the verb has; each is rolled back. */
export async function tryVerb(scene: Scene, verb: ProbeVerb): Promise<Attempt> {
  const attempts: Attempt[] = [];
  for (const way of WAYS[verb]) {
    const result = await way(scene);
    if (result?.outcome === "leak") return result;
    if (result !== undefined) attempts.push(result);
  }
  const refused = attempts.find(({ outcome }) => outcome === "refused");
  const unknown = attempts.find(({ outcome }) => outcome === "unknown");
  return unknown ?? refused ?? { outcome: "unknown", reason: noRow(scene) };
}

/** Undefined: there is nothing to try it with. */
type Way = (scene: Scene) => Promise<Attempt | undefined>;

const see: Way = async ({ session, table, tenants, samples }) => {
  if (samples.foreign === undefined) return undefined;
  return attempt(session, table.sql, async () => {
    const where = tenants === undefined ? "" : `where ${isOf(table, tenants.foreign)}`;
    const [row] = await session.query<{ seen: number }>(
      `select count(*)::integer as seen from (select 1 from ${table.sql} ${where} limit 100) s`,
    );
    if (row!.seen > 0) return leak(`sees ${row!.seen === 100 ? "100 or more" : row!.seen} rows`);
    const hidden =
      tenants !== undefined && samples.own !== undefined && !(await seesOwn(session, table, tenants.own));
    return refused(hidden ? "sees no row, not even its own" : "sees no row");
  });
};

async function seesOwn(session: Session, table: ProbedTable, tenant: string): Promise<boolean> {
  return (await session.query(`select 1 from ${table.sql} where ${isOf(table, tenant)} limit 1`)).length > 0;
}

/** A row that looks like one's own but is put into the other tenant; for those without a tenant a copy of any row. */
const insertLikeOwn: Way = async (scene) => {
  const { table, samples, tenants } = scene;
  if (tenants === undefined || samples.own === undefined) return undefined;
  return insert(scene, { ...samples.own.row, [table.tenantColumn!]: tenants.foreign });
};

const insertCopy: Way = async (scene) =>
  scene.samples.foreign === undefined ? undefined : insert(scene, scene.samples.foreign.row);

/** With no row to copy, getting through proves a leak, and being refused proves nothing. */
const insertEmpty: Way = async (scene) => {
  const { session, table, samples, tenants } = scene;
  if (samples.foreign !== undefined || samples.own !== undefined) return undefined;
  const row: JsonObject = tenants === undefined ? {} : { [table.tenantColumn!]: tenants.foreign };
  const result = await insert(scene, row);
  if (result.outcome !== "refused" || !(await mayInsert(session, scene))) return result;
  return { outcome: "unknown", reason: `there is no row to copy, and an empty one was refused` };
};

async function mayInsert(session: Session, { table, role }: Scene): Promise<boolean> {
  return (await granted(session, table, role, "insert")).length > 0;
}

async function insert({ session, table, role }: Scene, row: JsonObject): Promise<Attempt> {
  return attempt(session, table.sql, async () => {
    const columns = (await granted(session, table, role, "insert")).filter((name) => name in row);
    const list = columns.map((name) => pg.escapeIdentifier(name)).join(", ");
    const values = `select ${list} from jsonb_populate_record(null::${table.sql}, ${pg.escapeLiteral(JSON.stringify(row))}::jsonb)`;
    const sql =
      columns.length === 0
        ? `insert into ${table.sql} default values`
        : `insert into ${table.sql} (${list}) ${values}`;
    const count = await changedRows(session, sql);
    return count > 0 ? leak("inserts a row that is not its own") : refused("nothing was inserted");
  });
}

const updateForeign: Way = async ({ session, table, samples, role }) =>
  onPlace(samples.foreign, (place) =>
    attempt(session, table.sql, async () => {
      const [column] = await granted(session, table, role, "update");
      if (column === undefined) return refused("no right to update any column");
      const name = pg.escapeIdentifier(column);
      const count = await changedRows(
        session,
        `update ${table.sql} set ${name} = ${name} where ctid = ${place}`,
      );
      return count > 0 ? leak("updates a row that is not its own") : refused("no row was updated");
    }),
  );

const giveAway: Way = async ({ session, table, samples, tenants }) => {
  if (tenants === undefined) return undefined;
  const { tenantColumn } = table;
  return onPlace(samples.own, (place) =>
    attempt(session, table.sql, async () => {
      const sql = `update ${table.sql} set ${pg.escapeIdentifier(tenantColumn!)} = ${pg.escapeLiteral(tenants.foreign)} where ctid = ${place}`;
      const count = await changedRows(session, sql);
      return count > 0 ? leak("moves its own row into the other tenant") : refused("no row was moved");
    }),
  );
};

/** The same without a condition, so that the policies for reading are not asked whether the new row may be seen. */
const giveAwayBlindly: Way = async ({ session, table, samples, tenants }) => {
  if (tenants === undefined || samples.own === undefined || samples.ownCount === undefined || table.isView)
    return undefined;
  const sql = `update ${table.sql} set ${pg.escapeIdentifier(table.tenantColumn!)} = ${pg.escapeLiteral(tenants.foreign)}`;
  return attempt(session, table.sql, async () =>
    (await changedRows(session, sql)) > 0
      ? leak("moves its own rows into the other tenant")
      : refused("no row was moved"),
  );
};

/** Without a condition only the policies for changing are asked, not those for reading. */
const updateBlindly: Way = async ({ session, table, samples, role, tenants }) => {
  const { ownCount, foreign } = samples;
  if (ownCount === undefined || foreign === undefined || table.isView) return undefined;
  const columns = await granted(session, table, role, "update");
  const column = tenants === undefined ? columns[0] : columns.find((name) => name === table.tenantColumn);
  if (column === undefined) return undefined;
  const value = tenants === undefined ? literal(foreign.row[column]) : pg.escapeLiteral(tenants.own);
  return blind(session, table, ownCount, `update ${table.sql} set ${pg.escapeIdentifier(column)} = ${value}`);
};

const deleteForeign: Way = async ({ session, table, samples }) =>
  onPlace(samples.foreign, (place) =>
    attempt(session, table.sql, async () => {
      const count = await changedRows(session, `delete from ${table.sql} where ctid = ${place}`);
      return count > 0 ? leak("deletes a row that is not its own") : refused("no row was deleted");
    }),
  );

const deleteBlindly: Way = async ({ session, table, samples }) => {
  if (samples.ownCount === undefined || samples.foreign === undefined) return undefined;
  return blind(session, table, samples.ownCount, `delete from ${table.sql}`);
};

const WAYS: Readonly<Record<ProbeVerb, readonly Way[]>> = {
  select: [see],
  insert: [insertLikeOwn, insertCopy, insertEmpty],
  update: [updateForeign, giveAway, giveAwayBlindly, updateBlindly],
  delete: [deleteForeign, deleteBlindly],
};

/** Only more rows than its own prove something; what else happens may be about those. */
async function blind(
  session: Session,
  table: ProbedTable,
  own: number,
  sql: string,
): Promise<Attempt | undefined> {
  const result = await attempt(session, table.sql, async () => {
    const count = await changedRows(session, sql);
    return count > own
      ? leak(`changes ${count} rows at once, ${own} of them its own`)
      : refused("only its own");
  });
  return result.outcome === "leak" && result.reason.startsWith("changes") ? result : undefined;
}

async function onPlace(
  sample: Sample | undefined,
  work: (place: string) => Promise<Attempt>,
): Promise<Attempt | undefined> {
  return sample?.place === undefined ? undefined : work(`${pg.escapeLiteral(sample.place)}::tid`);
}

async function granted(session: Session, table: ProbedTable, role: string, right: string): Promise<string[]> {
  const rows = await session.query<{ name: string }>(
    `select name from unnest($1::text[]) name where has_column_privilege($2, $3::regclass, name, $4)`,
    [table.columns, role, table.sql, right],
  );
  return rows.map(({ name }) => name);
}

function literal(value: unknown): string {
  if (value === null || value === undefined) return "null";
  return pg.escapeLiteral(typeof value === "string" ? value : JSON.stringify(value));
}

function noRow({ tenants }: Scene): string {
  return tenants === undefined
    ? "there is no row to try"
    : `there is no row of tenant ${tenants.foreign} to try`;
}

function leak(reason: string): Attempt {
  return { outcome: "leak", reason };
}

function refused(reason: string): Attempt {
  return { outcome: "refused", reason };
}
