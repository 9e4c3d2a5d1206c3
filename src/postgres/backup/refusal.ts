import { TminusError } from "../../errors.ts";
import { sqlStateOf } from "../session/connect.ts";

/** Says what the database refused as BACKUP_FAILED; everything else goes through as it is. */
export async function explainRefusal<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const cause = error instanceof TminusError ? error.cause : error;
    const state = sqlStateOf(cause);
    if (state === undefined || !(cause instanceof Error)) throw error;
    throw new TminusError("BACKUP_FAILED", `${what}: ${cause.message}`, { cause, ...hintOf(state) });
  }
}

function hintOf(state: string): { hint?: string } {
  if (state === "55P03") return { hint: "A schema change holds a table; back up before it or after it." };
  if (state === "42501") {
    return {
      hint: "The role must be able to read every table (member of pg_read_all_data) and to bypass row security.",
    };
  }
  return {};
}
