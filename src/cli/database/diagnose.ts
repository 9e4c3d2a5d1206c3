import { InvalidArgumentError, type Command } from "commander";
import { durationOf, example, withDatabase, type Run } from "../declare.ts";

const DEFAULT_LONG_MS = 30_000;
const DEFAULT_IDLE_MS = 600_000;

interface WithDatabase {
  database?: string;
}

/** What a person at a stalled database asks, in the order in which they ask it. */
export function declareDiagnose(database: Command, run: Run): void {
  const body = () => import("../commands/db/diagnose.ts");

  const locks = withDatabase(database.command("locks"));
  locks.description("who keeps whom from a lock: the blocker first, those who wait below it");
  example(locks, "tminus db locks", "tminus db locks --database env:DATABASE_URL --json");
  locks.action((options: WithDatabase) => run(async (context) => (await body()).locks(context, options)));

  const long = withDatabase(database.command("long"));
  long
    .description("statements that have been running for long")
    .option("--over <duration>", "how long", durationOf, DEFAULT_LONG_MS);
  example(long, "tminus db long --over 5m");
  long.action((options: WithDatabase & { over: number }) =>
    run(async (context) => (await body()).long(context, options)),
  );

  const idle = withDatabase(database.command("idle"));
  idle
    .description("connections that idle; those inside a transaction, which keep locks, first")
    .option("--over <duration>", "how long", durationOf, DEFAULT_IDLE_MS);
  example(idle, "tminus db idle --over 1m");
  idle.action((options: WithDatabase & { over: number }) =>
    run(async (context) => (await body()).idle(context, options)),
  );

  const pool = withDatabase(database.command("pool"));
  pool.description("how many of the server's connections are used, and by whom");
  example(pool, "tminus db pool");
  pool.action((options: WithDatabase) => run(async (context) => (await body()).pool(context, options)));

  const stalled = withDatabase(database.command("stalled"));
  stalled.description("migrations that wait for a lock, who blocks them, and how many queue behind them");
  example(stalled, "tminus db stalled");
  stalled.action((options: WithDatabase) => run(async (context) => (await body()).stalled(context, options)));

  const explain = withDatabase(database.command("explain")).argument("<pid>", PID, pidOf);
  explain.description(
    "one session: its locks, what it waits for, the plan of its statement, and what ending it means",
  );
  example(explain, "tminus db explain 4711");
  explain.action((pid: number, options: WithDatabase) =>
    run(async (context) => (await body()).explain(context, pid, options)),
  );

  const cancel = withDatabase(database.command("cancel")).argument("<pid>", PID, pidOf);
  cancel
    .description(
      "cancel the statement of a session that does harm; refused for healthy ones and for tminus's own",
    )
    .option(
      "--terminate",
      "end the whole session when cancelling is not enough; its transaction is rolled back",
    )
    .option("--confirm <pid>", "do not ask; the pid once more, as a check", pidOf);
  example(cancel, "tminus db cancel 4711", "tminus db cancel 4711 --terminate --confirm 4711");
  cancel.action((pid: number, options: WithDatabase & { terminate?: boolean; confirm?: number }) =>
    run(async (context) => (await import("../commands/db/cancel.ts")).cancel(context, pid, options)),
  );
}

const PID = "process id of the session, as the other commands print it";

function pidOf(text: string): number {
  const pid = Number(text);
  if (!Number.isSafeInteger(pid) || pid < 1)
    throw new InvalidArgumentError("Give a process id, such as 4711.");
  return pid;
}
