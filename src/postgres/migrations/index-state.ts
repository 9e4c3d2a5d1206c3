import type { ConcurrentIndex } from "./concurrent-index.ts";
import type { Session } from "../session/connect.ts";

export type IndexState =
  | { state: "absent" }
  /** `name` is quoted and has its schema. Invalid: left by an attempt that failed. */
  | { state: "valid" | "invalid"; name: string };

/** What the catalog says about the index that a statement makes or drops. Reads only. */
export async function readIndexState(session: Session, target: ConcurrentIndex): Promise<IndexState> {
  const where =
    target.action === "create"
      ? { sql: "c.relname = $1 and i.indrelid = to_regclass($2)", values: [target.index, target.table] }
      : { sql: "i.indexrelid = to_regclass($1)", values: [target.index] };
  const [row] = await session.query<{ name: string; valid: boolean }>(
    `select format('%I.%I', n.nspname, c.relname) as name, i.indisvalid as valid
     from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
     where ${where.sql}`,
    where.values,
  );
  if (row === undefined) return { state: "absent" };
  return { state: row.valid ? "valid" : "invalid", name: row.name };
}
