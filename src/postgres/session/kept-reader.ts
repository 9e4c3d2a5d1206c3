import pg from "pg";
import { deadline, whenAborted } from "../../lib/clock.ts";
import { clientSettings, isConnectionLoss, unreachable, type Reading } from "./connect.ts";

/** Looks at one database again and again, one look after the other, over one connection that it keeps. */
export interface KeptReader {
  /**
   * One look: a transaction that the server keeps from writing, and that it counts as committed. Errors:
   * DATABASE_UNREACHABLE, also when the database refuses or does not answer in time; its cause is what was said.
   * Throws the signal's reason.
   */
  read<T>(look: (reading: Reading) => Promise<T>, signal: AbortSignal): Promise<T>;
}

export interface KeptReaderOptions {
  connectionString: string;
  /** Follows "tminus" in application_name. */
  purpose: string;
  /** For a whole look, with waiting for the one before and with connecting. */
  timeoutMs: number;
  /** Without a look for so long the connection is given back. It never keeps the process alive. */
  idleMs: number;
}

type Client = pg.Client & { ref(): void; unref(): void };

/**
 * A database whose connections are used up refuses new ones: whoever has one goes on looking, and takes no second.
 */
export function keptReader(options: KeptReaderOptions): KeptReader {
  let kept: { client: Client } | undefined;
  let before: Promise<unknown> = Promise.resolve();

  const keep = (client: Client): void => {
    client.unref();
    const mine = { client };
    kept = mine;
    deadline(options.idleMs).addEventListener("abort", () => {
      if (kept !== mine) return;
      kept = undefined;
      destroy(client);
    });
  };
  return {
    async read(look, signal) {
      signal.throwIfAborted();
      const limit = deadline(options.timeoutMs, signal);
      const earlier = before;
      const mine = (async () => {
        await Promise.race([earlier, whenAborted(limit)]);
        limit.throwIfAborted();
        const client = kept?.client;
        kept = undefined;
        const [result, used] = await lookOver(client, look, options, limit);
        keep(used);
        return result;
      })();
      before = Promise.allSettled([earlier, mine]);
      try {
        return await mine;
      } catch (error) {
        signal.throwIfAborted();
        const late = new Error(`no answer within ${options.timeoutMs} ms`);
        throw unreachable(options.connectionString, limit.aborted ? late : error);
      }
    },
  };
}

/** A connection that was kept may be gone since; the look is then made once more over a new one. */
async function lookOver<T>(
  client: Client | undefined,
  look: (reading: Reading) => Promise<T>,
  options: KeptReaderOptions,
  limit: AbortSignal,
): Promise<[T, Client]> {
  try {
    if (client !== undefined) return [await lookOnce(client, look, options, limit), client];
  } catch (error) {
    limit.throwIfAborted();
    if (!isConnectionLoss(error)) throw error;
  }
  const fresh = await connect(options, limit);
  return [await lookOnce(fresh, look, options, limit), fresh];
}

async function connect(options: KeptReaderOptions, limit: AbortSignal): Promise<Client> {
  const client = new pg.Client({
    ...clientSettings(options.connectionString, options.purpose),
    connectionTimeoutMillis: options.timeoutMs,
  }) as Client;
  // A connection that breaks while a query waits also fails the query, which is where it is reported.
  client.on("error", () => undefined);
  await untilAborted(client, limit, () => client.connect());
  return client;
}

async function lookOnce<T>(
  client: Client,
  look: (reading: Reading) => Promise<T>,
  { timeoutMs }: KeptReaderOptions,
  limit: AbortSignal,
): Promise<T> {
  client.ref();
  return untilAborted(client, limit, async () => {
    // Nothing is set outside the transaction: behind a pooler it would stay with whoever gets the connection next.
    await client.query(`begin transaction isolation level repeatable read read only;
      set local statement_timeout = ${Math.floor(timeoutMs)}`);
    const result = await look({ query: async (text, values) => (await client.query(text, values)).rows });
    await client.query("commit");
    return result;
  });
}

/** What fails, or is over before it is done, takes its connection with it. */
async function untilAborted<T>(client: Client, limit: AbortSignal, work: () => Promise<T>): Promise<T> {
  const cut = (): void => destroy(client);
  limit.addEventListener("abort", cut, { once: true });
  try {
    return await work();
  } catch (error) {
    cut();
    throw error;
  } finally {
    limit.removeEventListener("abort", cut);
  }
}

/** Without waiting for the server, which may never answer; it sees the connection end. */
function destroy(client: Client): void {
  client.connection.stream.destroy();
}
