import { systemClock } from "../src/lib/clock.ts";
import { run } from "../src/lib/process.ts";
import { readFingerprint } from "../src/postgres/drift/fingerprint.ts";
import { openSession, type Session } from "../src/postgres/session/connect.ts";
import { createThrowawayDatabase, openThrowawayPostgres } from "../src/store/throwaway-postgres.ts";
import type { Benchmark } from "./benchmark.ts";
import { median, rounded } from "./support/statistics.ts";

const ROUNDS = 9;
/** Each table brings twelve objects. */
const TABLES = 220;

/** Reads every row that a fingerprint is made of as text, and nothing of what it means. */
const BARE_READ = `select sum(length(row)) from (
  select c::text as row from pg_class c union all select a::text from pg_attribute a
  union all select k::text from pg_constraint k union all select i::text from pg_index i
  union all select t::text from pg_trigger t union all select p::text from pg_policy p
  union all select d::text from pg_attrdef d union all select t::text from pg_type t
  union all select p::text from pg_proc p where p.pronamespace = 'public'::regnamespace) x`;

/** What looking for drift costs: one fingerprint over pg_dump of the same schema, or over a bare read of the catalog. */
export const drift: Benchmark = {
  name: "drift",
  summary:
    "The fingerprint of more than 2,500 objects over pg_dump --schema-only and over a bare catalog read.",
  async run(say, signal) {
    await using cleanUp = new AsyncDisposableStack();
    say("starting a server");
    const server = await openThrowawayPostgres();
    cleanUp.defer(() => server.close());
    const database = await createThrowawayDatabase(server.adminUrl);
    const session = await openSession({
      connectionString: database.url,
      purpose: "bench",
      statementTimeoutMs: 60_000,
      signal,
    });
    cleanUp.defer(() => session[Symbol.asyncDispose]());
    say(`making ${TABLES} tables`);
    await makeSchema(session);
    const rounds: { fingerprintMs: number; bareMs: number; dumpMs: number | undefined; objects: number }[] =
      [];
    await measure(session, database.url);
    for (let round = 1; round <= ROUNDS; round++) {
      signal.throwIfAborted();
      const result = await measure(session, database.url);
      rounds.push(result);
      const dump =
        result.dumpMs === undefined ? "no pg_dump of this version" : `pg_dump ${result.dumpMs.toFixed(0)} ms`;
      say(
        `round ${round} of ${ROUNDS}: fingerprint ${result.fingerprintMs.toFixed(1)} ms, bare read ${result.bareMs.toFixed(1)} ms, ${dump}`,
      );
    }
    const dumps = rounds.flatMap(({ fingerprintMs, dumpMs }) =>
      dumpMs === undefined ? [] : [fingerprintMs / dumpMs],
    );
    return {
      ratios: {
        overBareCatalogRead: rounded(
          median(rounds.map(({ fingerprintMs, bareMs }) => fingerprintMs / bareMs)),
          2,
        ),
        ...(dumps.length > 0 ? { overPgDump: rounded(median(dumps), 3) } : {}),
      },
      figures: {
        objects: rounds[0]!.objects,
        fingerprintMs: rounded(median(rounds.map(({ fingerprintMs }) => fingerprintMs)), 1),
        bareCatalogReadMs: rounded(median(rounds.map(({ bareMs }) => bareMs)), 1),
      },
    };
  },
};

async function measure(session: Session, url: string) {
  const timed = async (work: () => Promise<unknown>): Promise<number> => {
    const started = systemClock.monotonicMs();
    await work();
    return systemClock.monotonicMs() - started;
  };
  let objects = 0;
  const bareMs = await timed(() => session.query(BARE_READ));
  const fingerprintMs = await timed(
    async () => void (objects = (await readFingerprint(session)).objects.length),
  );
  let dumped = false;
  const dumpMs = await timed(async () => {
    const ended = await run(["pg_dump", "--schema-only", "--file=/dev/null", `--dbname=${url}`], {
      timeoutMs: 60_000,
    });
    dumped = ended.exitCode === 0;
  });
  return { fingerprintMs, bareMs, dumpMs: dumped ? dumpMs : undefined, objects };
}

async function makeSchema(session: Session): Promise<void> {
  await session.query(`
    create function touch() returns trigger language plpgsql as $$ begin return new; end $$;
    do $do$ begin
      for n in 1..${TABLES} loop
        execute format('create table t%s (id bigint generated always as identity primary key, parent bigint references t%s,
          email text not null default ''x'' unique, total numeric(10, 2) check (total >= 0), at timestamptz default now())', n, greatest(1, n - 1));
        execute format('create index t%s_at on t%s (at) where total > 0', n, n);
        execute format('alter table t%s enable row level security', n);
        execute format('create policy own on t%s using (email = current_user)', n);
        execute format('create trigger touch before update on t%s for each row execute function touch()', n);
      end loop;
    end $do$`);
}
