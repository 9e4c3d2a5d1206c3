import pg from "pg";
import { TminusError, hasCode } from "../../errors.ts";
import { LONGEST_TIMER_MS } from "../../lib/clock.ts";
import type { Verdict } from "../../model/verdict.ts";
import { refuseKnownPooler, refusePooler } from "./pooler.ts";

const CONNECT_TIMEOUT_MS = 10_000;
const CANCEL_TIMEOUT_MS = 5_000;
const CHECK_TIMEOUT_MS = 5_000;
/** How long the server may take beyond statement_timeout before the connection counts as lost. */
const ANSWER_GRACE_MS = 30_000;
/** A session that waits this long for its next statement belongs to a process that no longer works on it. */
const IDLE_TIMEOUT_MS = 60_000;
/** How soon the server notices that the process that sent a statement is gone. */
const CHECK_INTERVAL_MS = 1_000;

/** SQLSTATE invalid_sql_statement_name. */
export const UNPREPARED = "26000";

export interface SessionOptions {
  connectionString: string;
  /** Follows "tminus" in application_name, so that people can tell what a session is for. */
  purpose: string;
  statementTimeoutMs: number;
  signal?: AbortSignal;
  /** Refuses a transaction pooler with DATABASE_POOLED before any setting is sent to it. */
  direct?: boolean;
}

/** A query that handles the messages of the server itself; `done` settles when the server is through with it. */
export interface ProtocolQuery<T> extends pg.Submittable {
  readonly done: Promise<T>;
}

/** One connection to the database being changed, or looked at. */
export interface Session extends AsyncDisposable {
  /** Process id of the server's backend. */
  readonly pid: number;
  /** The one that came with the connection: another when something stands between it and the backend. */
  readonly announcedPid: number | undefined;
  /**
   * Runs one statement. When the signal aborts, the statement is cancelled in the server and the signal's
   * reason is thrown. Errors: DATABASE_UNREACHABLE when the connection was lost, so that it is not known
   * whether the statement took effect; what the database refuses is thrown as pg.DatabaseError.
   */
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>;
  /**
   * As query, for what is asked again and again outside a transaction: the server plans it once. `name` belongs to
   * this text alone.
   */
  prepared<Row extends pg.QueryResultRow>(name: string, text: string, values: unknown[]): Promise<Row[]>;
  /** Runs a query that speaks the protocol itself, as COPY does. Aborting and errors are those of `query`. */
  submit<T>(query: ProtocolQuery<T>): Promise<T>;
  /**
   * Runs several statements, sent as one message, so that no lock is held over a round trip between them. Each
   * text is exactly one statement. Answers the rows of each, or which one was refused: those after it did not
   * run. Errors as of query.
   */
  script(statements: readonly string[]): Promise<ScriptOutcome>;
  /** Ends an open transaction; harmless without one, and when the connection is gone or the signal has aborted. */
  rollback(): Promise<void>;
  /** Back to the session's own settings: what one migration sets does not reach the next. Errors as of query. */
  reset(): Promise<void>;
  /** The statements of reset, to be sent together with others. */
  readonly resetSql: readonly string[];
}

export type ScriptOutcome =
  | { rows: pg.QueryResultRow[][] }
  /** `position` counts the characters of that statement from 1; undefined when the database does not say. */
  | { failed: number; position: number | undefined; error: pg.DatabaseError };

/** A session that may change things. Errors: DATABASE_UNREACHABLE. */
export async function openSession(options: SessionOptions): Promise<Session> {
  if (options.direct === true) refuseKnownPooler(options.connectionString);
  const session = await connect(options);
  try {
    if (options.direct === true)
      await refusePooler(session, options.connectionString, () => connect(options));
    await session.reset();
    return session;
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * Runs `read` in a transaction that the server keeps from writing; everything it asks is one snapshot.
 * Errors: DATABASE_UNREACHABLE, also when the database refuses to be asked.
 */
export async function readOnly<T>(
  options: SessionOptions,
  read: (session: Session) => Promise<T>,
): Promise<T> {
  await using session = await connect(options);
  try {
    // Nothing is set outside the transaction: behind a pooler it would stay with whoever gets the connection next.
    await session.query(
      `begin transaction isolation level repeatable read read only;
       set local statement_timeout = ${Math.floor(options.statementTimeoutMs)}`,
    );
    const result = await read(session);
    // A transaction that is only left would be counted by the server as rolled back.
    await session.query("commit");
    return result;
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    throw unreachable(options.connectionString, error);
  }
}

/** Whether the database takes a connection and answers. Reads only. */
export async function checkConnection(connectionString: string, signal: AbortSignal): Promise<Verdict> {
  try {
    const options = { connectionString, purpose: "check", statementTimeoutMs: CHECK_TIMEOUT_MS, signal };
    const rows = await readOnly(options, (session) =>
      session.query<{ version: string }>("select current_setting('server_version') as version"),
    );
    return {
      verdict: "pass",
      reason: `the database answers (PostgreSQL ${rows[0]?.version ?? "of unknown version"})`,
    };
  } catch (error) {
    // Not reaching it says nothing about the database itself.
    return { verdict: "unknown", reason: error instanceof Error ? error.message : String(error) };
  }
}

/** What reads need of a session. */
export type Reading = Pick<Session, "query">;

/** SQLSTATE of what the database refused; undefined for anything else. */
export function sqlStateOf(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}

/** Where in the statement the database found the mistake: characters from 1; undefined when it does not say. */
export function positionOf(error: unknown): number | undefined {
  if (!(error instanceof pg.DatabaseError) || error.position === undefined) return undefined;
  return Number(error.position);
}

async function connect(options: SessionOptions): Promise<Session> {
  const { connectionString, signal, statementTimeoutMs } = options;
  signal?.throwIfAborted();
  let client: pg.Client;
  try {
    client = new pg.Client({
      ...clientSettings(connectionString, options.purpose),
      query_timeout: answerTimeoutMs(statementTimeoutMs),
    });
    // A connection that breaks while a query waits also fails the query, which is where it is reported.
    client.on("error", () => undefined);
    await client.connect();
  } catch (error) {
    throw unreachable(connectionString, error);
  }
  try {
    const answer = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
    return sessionOn(client, answer.rows[0]!.pid, options);
  } catch (error) {
    await client.end();
    throw unreachable(connectionString, error);
  }
}

function sessionOn(client: pg.Client, pid: number, options: SessionOptions): Session {
  const { connectionString, signal, statementTimeoutMs } = options;
  let isLost = false;
  let resetSql = [...RESET, ...timeouts(statementTimeoutMs)];
  const guarded = async <T>(run: () => Promise<T>): Promise<T> => {
    signal?.throwIfAborted();
    let cancelling: Promise<void> | undefined;
    const cancel = (): void => void (cancelling = cancelBackend(client, connectionString, pid));
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      return await run();
    } catch (error) {
      isLost = isConnectionLoss(error);
      signal?.throwIfAborted();
      throw isLost ? unreachable(connectionString, error) : error;
    } finally {
      signal?.removeEventListener("abort", cancel);
      await cancelling;
    }
  };
  return {
    pid,
    announcedPid: (client as { processID?: number }).processID,
    get resetSql() {
      return resetSql;
    },
    query: <Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]> =>
      guarded(async () => {
        const answer = values === undefined ? client.query<Row>(text) : client.query<Row>(text, values);
        return (await answer).rows;
      }),
    submit: <T>(query: ProtocolQuery<T>): Promise<T> =>
      guarded(() => {
        client.query(query);
        return query.done;
      }),
    prepared: <Row extends pg.QueryResultRow>(
      name: string,
      text: string,
      values: unknown[],
    ): Promise<Row[]> =>
      guarded(async () => {
        try {
          return (await client.query<Row>({ name, text, values })).rows;
        } catch (error) {
          if (sqlStateOf(error) !== UNPREPARED) throw error;
          // Somebody's DEALLOCATE ALL, of which the client does not know.
          return (await client.query<Row>(text, values)).rows;
        }
      }),
    async script(statements) {
      const outcome = await guarded(() => runScript(client, statements, statementTimeoutMs));
      if ("error" in outcome) signal?.throwIfAborted();
      return outcome;
    },
    async rollback() {
      // Without the connection the server rolls back by itself, once it notices.
      if (isLost) return;
      try {
        await client.query("rollback");
      } catch (error) {
        if (!isConnectionLoss(error)) throw error;
      }
    },
    reset: () =>
      guarded(async () => {
        await client.query([...RESET, ...timeouts(statementTimeoutMs)].join(";\n"));
        if (await watchClient(client)) resetSql = [...RESET, ...timeouts(statementTimeoutMs), WATCH_CLIENT];
      }),
    [Symbol.asyncDispose]: () => client.end(),
  };
}

const RESET = ["reset session authorization", "reset role", "reset all"];
const WATCH_CLIENT = `set client_connection_check_interval = ${CHECK_INTERVAL_MS}`;

function timeouts(statementTimeoutMs: number): string[] {
  return [
    `set statement_timeout = ${Math.floor(statementTimeoutMs)}`,
    `set idle_in_transaction_session_timeout = ${IDLE_TIMEOUT_MS}`,
    `set idle_session_timeout = ${IDLE_TIMEOUT_MS}`,
  ];
}

async function runScript(
  client: pg.Client,
  statements: readonly string[],
  statementTimeoutMs: number,
): Promise<ScriptOutcome> {
  let completed = 0;
  const count = (): void => void completed++;
  client.connection.on("commandComplete", count);
  try {
    const text = statements.join(SEPARATOR);
    const timeoutMs = answerTimeoutMs(statements.length * statementTimeoutMs);
    // One statement answers one result, several a list of them, which the types do not know.
    const answer = (await client.query({ text, query_timeout: timeoutMs } as pg.QueryConfig)) as
      | pg.QueryResult
      | pg.QueryResult[];
    return { rows: [answer].flat().map(({ rows }) => rows as pg.QueryResultRow[]) };
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || isConnectionLoss(error)) throw error;
    return { ...locate(statements, completed, positionOf(error)), error };
  } finally {
    client.connection.off("commandComplete", count);
  }
}

/** When the connection counts as lost. A timer that is set for longer fires at once. */
function answerTimeoutMs(workMs: number): number {
  return Math.min(LONGEST_TIMER_MS, workMs + ANSWER_GRACE_MS);
}

const SEPARATOR = ";\n";

/**
 * The text is parsed as a whole before its first statement runs, so a position is that of a mistake in the text when
 * nothing ran. Later it belongs to the statement that stopped, or to another text, such as that of what it executes.
 */
function locate(
  statements: readonly string[],
  completed: number,
  position: number | undefined,
): { failed: number; position: number | undefined } {
  if (position === undefined) return { failed: completed, position };
  let before = 0;
  for (const [index, statement] of statements.entries()) {
    // PostgreSQL counts characters, JavaScript UTF-16 units.
    const length = Array.from(statement).length + SEPARATOR.length;
    if (position <= before + length) {
      if (completed > 0 && index !== completed) break;
      return { failed: index, position: position - before };
    }
    before += length;
  }
  return { failed: completed, position: undefined };
}

/** Without it the server goes on with a statement, and may finish it, long after the process that sent it is dead. */
async function watchClient(client: pg.Client): Promise<boolean> {
  try {
    await client.query(WATCH_CLIENT);
    return true;
  } catch (error) {
    // Not every platform can do it. The session's advisory lock still keeps the next run waiting for its end.
    if (!["22023", "42704"].includes(sqlStateOf(error) ?? "")) throw error;
    return false;
  }
}

/** Asks the server over a second connection; when that fails the connection itself is cut. Never throws. */
async function cancelBackend(client: pg.Client, connectionString: string, pid: number): Promise<void> {
  try {
    const other = new pg.Client({
      ...clientSettings(connectionString, "cancel"),
      connectionTimeoutMillis: CANCEL_TIMEOUT_MS,
      query_timeout: CANCEL_TIMEOUT_MS,
    });
    other.on("error", () => undefined);
    await other.connect();
    try {
      // Behind a pooler the backend may work for the application by now: only a session of ours is cancelled.
      const asked = await other.query(
        `with ours as materialized (
           select pid from pg_stat_activity where pid = $1 and application_name like 'tminus %'
         )
         select pg_cancel_backend(pid) from ours`,
        [pid],
      );
      if (asked.rowCount === 0) await client.end();
    } finally {
      await other.end();
    }
  } catch {
    // The statement then ends as a lost connection, and the ledger is asked what became of it.
    await client.end();
  }
}

export function clientSettings(connectionString: string, purpose: string): pg.ClientConfig {
  return {
    connectionString,
    application_name: `tminus ${purpose}`.slice(0, 63),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
  };
}

/** SQLSTATE classes 08 and 57P: connection exceptions and a server that shuts down; other errors of the server are answers. */
export function isConnectionLoss(error: unknown): boolean {
  const state = sqlStateOf(error);
  if (state !== undefined) return /^(08|57P0|25P03|25P04)/.test(state);
  // What the source of a COPY says of itself is not the connection's.
  return error instanceof Error && !hasCode(error);
}

export function unreachable(connectionString: string, error: unknown): TminusError {
  const reason = error instanceof Error && error.message !== "" ? error.message : String(error);
  return new TminusError("DATABASE_UNREACHABLE", `${addressOf(connectionString)}: ${reason}`, {
    cause: error,
  });
}

/** Host and database without user and password: for messages, and to tell servers apart. */
export function addressOf(connectionString: string): string {
  if (!URL.canParse(connectionString)) return "the database";
  const { host, pathname, searchParams } = new URL(connectionString);
  return `the database ${searchParams.get("host") ?? host}${pathname}`;
}
