import type { Fence } from "../../model/ports.ts";
import type { Session } from "../session/connect.ts";
import { fenceText } from "../session/fence.ts";
import { ANYBODY, namesOf } from "../session/holders.ts";
import { literal, type SqlValue } from "../session/literal.ts";
import type { LockTarget } from "../sql/strong-locks.ts";
import type { Migration } from "./migration.ts";
import type { MigrateOptions } from "./migrate-options.ts";
import { FINISH, RECORD, recordValues } from "./record.ts";

/**
 * What protects a file, as SQL that can stand in one message with it: what must not go on fails there, with
 * REFUSED, so that nothing after it in the message runs. The server plans each once in a session.
 */
export interface OurStatements {
  /** Fails when the database has seen a newer token. */
  fence(fence: Fence): string;
  /** Writes the ledger row; fails when it is there. Waits for a transaction that is just writing it. */
  record(migration: Migration, options: MigrateOptions): string;
  /** Fails when anybody else has a lock on one of these. Takes none. */
  look(targets: readonly LockTarget[]): string;
  /** Completes the ledger row. */
  finish(version: string): string;
  /** From now on without what the session prepared, which a file can take away: UNPREPARED. */
  doWithoutPrepared(): void;
}

/** SQLSTATE invalid_text_representation: SQL alone cannot raise one of its own. */
export const REFUSED = "22P02";

/** Call it once in a session, when the ledger is there. */
export async function prepareOurStatements(session: Session): Promise<OurStatements> {
  const outcome = await session.script(
    [FENCED, RECORDED, LOOKED, FINISHED].map(({ name, types, sql }) => `prepare ${name}(${types}) as ${sql}`),
  );
  let isPrepared = !("error" in outcome);
  const fill = ({ name, sql }: Ours, values: readonly SqlValue[]): string =>
    isPrepared
      ? `execute ${name}(${values.map(literal).join(", ")})`
      : sql.replaceAll(/\$(\d+)/g, (_written, number: string) => literal(values[Number(number) - 1] ?? null));
  return {
    fence: ({ environment, token }) => fill(FENCED, [environment, token]),
    record: (migration, options) => fill(RECORDED, recordValues(migration, options)),
    look: (targets) => fill(LOOKED, [namesOf(targets)]),
    finish: (version) => fill(FINISHED, [version]),
    doWithoutPrepared: () => void (isPrepared = false),
  };
}

interface Ours {
  name: string;
  types: string;
  sql: string;
}

const FENCED: Ours = {
  name: "tminus_fence",
  types: "text, bigint",
  sql: rowOrRefusal(fenceText("$1", "$2"), "a newer run has come to this environment"),
};
const RECORDED: Ours = {
  name: "tminus_record",
  types: "text, text, text, integer, text, text, bigint, boolean, text, integer, text, text",
  sql: rowOrRefusal(RECORD, "another run has applied this file"),
};
const LOOKED: Ours = {
  name: "tminus_look",
  types: "text[]",
  sql: `select case when exists (${ANYBODY}) then ${refusal("somebody holds a lock on what this file changes; it waits", "pg_backend_pid()")} end`,
};
const FINISHED: Ours = { name: "tminus_finish", types: "text", sql: FINISH };

function rowOrRefusal(sql: string, why: string): string {
  return `with done as (${sql}) select case when count(*) = 0 then ${refusal(why, "count(*)")} end from done`;
}

/** The text stands in the server's log. `volatile`: keeps the planner from looking at it before it is due. */
function refusal(why: string, volatile: string): string {
  return `(${literal(`tminus: ${why} (`)} || ${volatile} || ')')::integer`;
}
