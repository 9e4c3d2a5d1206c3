import pg from "pg";
import { systemClock } from "../../../../src/lib/clock.ts";
import type { Journal } from "./journal.ts";

export interface Statement {
  /** Of the prepared statement. */
  name: string;
  text: string;
  values: unknown[];
}

/** One thing that a client does; several statements are one transaction, and each touches exactly one row. */
export interface Write {
  statements: Statement[];
  /** Called when the server has acknowledged it. */
  acknowledge(journal: Journal, owner: Owner): void;
  /** Answers a row when it took effect. */
  landed: Omit<Statement, "name">;
}

/** What one client alone writes: so the last acknowledged value of a key is known. */
export interface Owner {
  id: number;
  /** Counts its writes. */
  next: number;
  /** Codes of customers. */
  customers: string[];
  /** Customers that the new release has written something of its own into. */
  marked: string[];
  /** Orders in the state "new". */
  orders: string[];
}

/** SQL of one release: the writes that it does in turns. */
export type Release = readonly ((owner: Owner) => Write)[];

export interface Report {
  /** What no client may see. */
  failures: string[];
  /** Lock timeouts, deadlocks and serialization failures, upon which the write was done again. */
  retries: number;
  /** Writes that read-only mode refused; done again. */
  refused: number;
  /** Connections that were cut before the answer. */
  inDoubt: number;
  /** Of those in doubt, how many had taken effect. */
  landed: number;
}

export interface Writers {
  report: Report;
  /** Resolves when what was begun has its answer. */
  stop(): Promise<void>;
}

const RETRIED = ["55P03", "40001", "40P01"];
/** read_only_sql_transaction, insufficient_privilege. */
const READ_ONLY = ["25006", "42501"];
/** Shutdown, crash recovery, starting up. */
const CUT = /^(08|57P0)/;

export interface WritersOptions {
  url: string;
  journal: Journal;
  owners: readonly Owner[];
  release: Release;
}

/** Each owner writes over a connection of its own, one write after the other, as fast as it can. */
export async function startWriters({ url, journal, owners, release }: WritersOptions): Promise<Writers> {
  const report: Report = { failures: [], retries: 0, refused: 0, inDoubt: 0, landed: 0 };
  const stopping = new AbortController();
  const write = async (owner: Owner): Promise<void> => {
    let client = await connect(url);
    while (!stopping.signal.aborted && report.failures.length === 0) {
      const next = release[owner.next++ % release.length]!(owner);
      for (let isDone = false; !isDone;) {
        const outcome = await attempt(client, next);
        isDone = outcome === "done" || (stopping.signal.aborted && outcome === "refused");
        if (outcome === "done") acknowledged(next, owner);
        else if (outcome === "retry") report.retries++;
        else if (outcome === "refused") {
          report.refused++;
          await systemClock.sleep(5);
        } else if (outcome === "cut") {
          report.inDoubt++;
          client = await reconnect(url);
          isDone = (await client.query(next.landed)).rows.length > 0;
          if (!isDone) continue;
          report.landed++;
          acknowledged(next, owner);
        } else {
          report.failures.push(outcome.failure);
          isDone = true;
        }
      }
    }
    await client.end();
  };
  const acknowledged = (done: Write, owner: Owner): void => {
    done.acknowledge(journal, owner);
    journal.acknowledged++;
  };
  const running = owners.map(write);
  const all = Promise.all(running);
  all.catch((error: unknown) => report.failures.push(String(error)));
  return {
    report,
    async stop() {
      stopping.abort();
      await all;
    },
  };
}

type Outcome = "done" | "retry" | "refused" | "cut" | { failure: string };

async function attempt(client: pg.Client, { statements }: Write): Promise<Outcome> {
  const isTransaction = statements.length > 1;
  try {
    if (isTransaction) await client.query("begin");
    for (const statement of statements) {
      const { rowCount } = await client.query(statement);
      if (rowCount === 1) continue;
      if (isTransaction) await client.query("rollback");
      return { failure: `${statement.text} (${statement.values.join(", ")}) touched ${rowCount} rows` };
    }
    if (isTransaction) await client.query("commit");
    return "done";
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) return "cut";
    const code = error.code ?? "";
    if (CUT.test(code)) return "cut";
    if (isTransaction) await client.query("rollback").catch(() => undefined); // the next attempt meets a cut
    if (RETRIED.includes(code)) return "retry";
    if (READ_ONLY.includes(code)) return "refused";
    return { failure: `${statements.map(({ text }) => text).join("; ")}: ${error.message} (${code})` };
  }
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: "shop",
    options: "-c role=drill_shop -c shop.tenant=one",
  });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

/** The server comes back by itself. */
async function reconnect(url: string): Promise<pg.Client> {
  for (let tries = 0; ; tries++) {
    try {
      return await connect(url);
    } catch (error) {
      if (tries > 1_000) throw error;
      await systemClock.sleep(20);
    }
  }
}
