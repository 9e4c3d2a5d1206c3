import { readOnly, type SessionOptions } from "../session/connect.ts";
import { readRowSources, settleSession } from "./rows.ts";
import { readUncovered } from "./schema/read-uncovered.ts";

/** What a backup would have to carry, and what it would not cover; plain JSON. */
export type DatabaseSize = {
  tables: number;
  /** Of the tables, without indexes. */
  bytes: number;
  uncovered: string[];
};

/** Reads only; no rows. Errors: DATABASE_UNREACHABLE. */
export function readSize(options: SessionOptions): Promise<DatabaseSize> {
  return readOnly(options, async (session) => {
    await settleSession(session);
    const sources = await readRowSources(session);
    return {
      tables: sources.length,
      bytes: sources.reduce((sum, { bytes }) => sum + bytes, 0),
      uncovered: await readUncovered(session),
    };
  });
}
