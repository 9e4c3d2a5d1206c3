import type { Json, JsonObject } from "../../model/json.ts";
import { hashJson } from "../../lib/hash.ts";
import { sqlStateOf } from "../session/connect.ts";
import { ACCESS } from "./catalog/access.ts";
import { BEHAVIOUR } from "./catalog/behaviour.ts";
import { databaseWide } from "./catalog/database-wide.ts";
import { RELATIONS } from "./catalog/relations.ts";
import { SCOPE } from "./catalog/scope.ts";
import { TYPES } from "./catalog/types.ts";

/** What is looked at, in the order in which it can be created. */
export const objectKinds = [
  "schema",
  "extension",
  "enum",
  "range",
  "composite type",
  "domain",
  "sequence",
  "table",
  "column",
  "constraint",
  "index",
  "function",
  "procedure",
  "aggregate",
  "view",
  "materialized view",
  "rule",
  "trigger",
  "policy",
  "grants",
  "default grants",
  "publication",
] as const;

export type ObjectKind = (typeof objectKinds)[number];

/** One object of a schema, told without OIDs, positions and owners. */
export interface CatalogObject {
  kind: ObjectKind;
  /** Schema-qualified and quoted as SQL needs it: "public.users.email", "public.total(integer)". Unique within a kind. */
  identity: string;
  /** What it belongs to: the identity of its table; for grants what they are on ("table public.users"). */
  on: string | null;
  /** Its own name without schema and table, quoted; for grants the column, if any. */
  name: string | null;
  /** Only what differs from the plain case; equal definitions mean equal objects. */
  definition: JsonObject;
  /** SHA-256 of the definition. */
  hash: string;
  /** One statement that creates it, without a semicolon; null where there is none that stands alone. */
  sql: string | null;
}

export interface Fingerprint {
  /** server_version_num of the server that told it. Servers of different major versions may word a definition differently. */
  serverVersion: number;
  /** SHA-256 over kind, identity and hash of every object, whatever their order. */
  digest: string;
  /** By kind as in `objectKinds`; within a kind in the order of creation, columns by position. */
  objects: CatalogObject[];
}

export interface FingerprintOptions {
  /** Only these schemas; all of the application when left out. */
  include?: readonly string[];
  /** Besides the system's, tminus' own, and what extensions own. */
  exclude?: readonly string[];
  /** Whether another version of an extension is a difference. Default false. */
  extensionVersions?: boolean;
}

/** What reading a catalog needs: a session of ours, or any other way to a Postgres. */
export interface CatalogReader {
  query<Row extends Record<string, unknown>>(text: string, values?: unknown[]): Promise<Row[]>;
}

/** tminus' own, and those in which other tools keep their history. */
const OWN_SCHEMAS = ["tminus", "tminus_archive", "supabase_migrations"];

/** As pg_dump does: what a definition reads like depends on them. */
const PLAIN_SETTINGS = `set local search_path = ''; set local datestyle = 'ISO, MDY'; set local intervalstyle = 'postgres';
  set local timezone = 'UTC'; set local extra_float_digits = 1; set local quote_all_identifiers = off;
  set local bytea_output = 'hex'; set local standard_conforming_strings = on`;

/**
 * Reads what a database's schema is, in one query over the catalog. Changes nothing: inside a transaction of the
 * caller (so that it sees what that has done) it leaves settings as they were, else it makes its own, read-only.
 * Not covered: operators, casts, collations, text search, foreign servers, event triggers, comments, owners, extended
 * statistics, names and NO INHERIT of NOT NULL, storage settings of columns and of the indexes of constraints.
 * Errors: what the session throws.
 */
export async function readFingerprint(
  session: CatalogReader,
  options: FingerprintOptions = {},
): Promise<Fingerprint> {
  return withPlainSettings(session, async () => {
    const [server] = await session.query<{ version: number }>(
      "select current_setting('server_version_num')::integer as version",
    );
    const serverVersion = server!.version;
    const rows = await session.query<Row>(catalogQuery(serverVersion), [
      options.include ?? [],
      [...OWN_SCHEMAS, ...(options.exclude ?? [])],
      options.extensionVersions ?? false,
    ]);
    return fingerprintOf(serverVersion, rows.map(objectOf));
  });
}

/** A fingerprint of these objects, which keep their order. */
export function fingerprintOf(serverVersion: number, objects: CatalogObject[]): Fingerprint {
  const lines = objects.map(({ kind, identity, hash }) => `${kind}\n${identity}\n${hash}`).sort();
  return { serverVersion, digest: hashJson(lines), objects };
}

type Row = Omit<CatalogObject, "hash" | "definition"> & { definition: JsonObject };

function objectOf({ kind, identity, on, name, definition, sql }: Row): CatalogObject {
  return { kind, identity, on, name, definition, hash: hashJson(definition as Json), sql };
}

function catalogQuery(version: number): string {
  const all = [RELATIONS, BEHAVIOUR, TYPES, ACCESS, databaseWide(version)].join("\n  union all\n");
  return `with ${SCOPE}
  select kind, identity, "on", name, jsonb_strip_nulls(definition) as definition, sql from (${all}) o
  order by array_position(array[${objectKinds.map((kind) => `'${kind}'`).join(", ")}], kind),
    case kind when 'column' then "on" end, position, identity collate "C"`;
}

async function withPlainSettings<T>(session: CatalogReader, read: () => Promise<T>): Promise<T> {
  const isInside = await beginInside(session);
  if (!isInside) await session.query("begin transaction isolation level repeatable read read only");
  try {
    await session.query(PLAIN_SETTINGS);
    return await read();
  } finally {
    await session.query(
      isInside ? "rollback to savepoint tminus_look; release savepoint tminus_look" : "rollback",
    );
  }
}

/** Whether a transaction of the caller is open; it then has a savepoint to go back to. */
async function beginInside(session: CatalogReader): Promise<boolean> {
  try {
    await session.query("savepoint tminus_look");
    return true;
  } catch (error) {
    // no_active_sql_transaction
    if (sqlStateOf(error) === "25P01" || (error as { code?: unknown }).code === "25P01") return false;
    throw error;
  }
}
