import type { Client } from "../../src/store/pool.ts";

/** Who starts runs. */
export const PEOPLE = ["ada.king", "ben.ito", "cleo.sanders", "dan.wu", "eva.novak", "finn.berg", "gita.rao"];
/** Started a third of the oldest fifth, and none since. */
export const WHO_LEFT = "olga.former";
const BATCH = 5_000;

export interface Seed {
  /** Numbers of the runs, the last one excluded. The higher, the newer: a quarter of an hour from one to the next. */
  from: number;
  to: number;
  /** A run that was carried out; the others have its plan, events and attempts with another release. */
  template: string;
}

/**
 * Runs as they would be after years. Of each, the plan, the events and the attempts are those of the template under its own
 * names. Their hashes are not those of a chain: nothing that is measured looks at them.
 */
export async function seedHistory(
  client: Client,
  { from, to, template }: Seed,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  // What only guards against mistakes, and waiting for the disk, would take most of the time.
  await client.query("set session_replication_role = replica; set synchronous_commit = off");
  for (let first = from; first < to; first += BATCH) {
    signal.throwIfAborted();
    const last = Math.min(first + BATCH, to);
    for (const sql of statements) await client.query(sql, [template, first, last, PEOPLE]);
    if (last % (4 * BATCH) === 0) say(`${last - from} of ${to - from} runs are made`);
  }
}

/** The ones with these numbers. */
const numbered = `(
  select n, 'r' || lpad(to_hex(n), 8, '0') || substr(md5(n::text), 1, 4) as id,
    (array['staging', 'qa', 'production'])[1 + n % 3] as environment,
    to_char(at, '"v"YYYY.MM.DD-') || substr(md5((n / 3)::text), 1, 7) as release,
    case when n < 20000 and n % 3 = 0 then '${WHO_LEFT}' else ($4::text[])[1 + n % 7] end as by,
    case when n % 20 = 0 then 'rolled-back' when n % 33 = 0 then 'failed' when n % 50 = 7 then 'stopped'
      else 'succeeded' end as outcome,
    at, t.*
  from (select n, now() - interval '1 day' - (100000 - n) * interval '15 minutes' as at
        from generate_series($2::int, $3::int - 1) n) numbers,
    (select plan, plan_hash, context, end_state, head_sequence, head_hash, created_at, ended_at as done_at
     from tminus.run where id = $1) t) made`;

const statements: readonly string[] = [
  `insert into tminus.run (id, environment, project, plan, plan_hash, context, state, outcome, verdict, end_state,
     created_at, created_by, started_at, ended_at, head_sequence, head_hash)
   select id, environment, 'shop', replace(plan, 'release-of-the-run', release), plan_hash, context, 'ended', outcome,
     case when outcome = 'succeeded' then null else jsonb_build_object('decision', 'fail', 'by', 'tminus', 'at', at,
       'reason', 'rule errors: ' || n % 9 + 3 || '.1 % of the requests to checkout failed, the bound is 2 %') end,
     end_state, at, by, at, at + (done_at - created_at), head_sequence, head_hash
   from ${numbered} order by n`,
  `insert into tminus.run_starter (run_id, identity)
   select made.id, identity from ${numbered}, tminus.run_starter where run_id = $1`,
  `insert into tminus.event (run_id, sequence, at, type, actor, data, hash)
   select made.id, sequence, made.at + (e.at - created_at), type, actor,
     replace(data, 'release-of-the-run', release), md5(made.id || sequence)
   from ${numbered}, tminus.event e where e.run_id = $1 order by n, sequence`,
  `insert into tminus.attempt (run_id, step_id, phase, number, token, state, acted, reason, result, error, begun_at, ended_at)
   select made.id, step_id, phase, number, token, state, acted, reason, result, error, made.at + (begun_at - created_at),
     made.at + (ended_at - created_at)
   from ${numbered}, tminus.attempt where run_id = $1 order by n`,
];
