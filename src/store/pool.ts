import pg from "pg";
import type { ErrorCode } from "../error-codes.ts";
import { TminusError } from "../errors.ts";

export type Pool = pg.Pool;
export type Client = pg.Client;

/** As the server's own views list it. */
const SESSION_NAME = "tminus";

// 64-bit integers are ids and counters here, far below 2^53.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

/**
 * A pool on the state database. `onError` hears of connections lost while idle; the pool replaces them.
 * Up to `size` connections, opened when needed.
 */
export function openPool(connectionString: string, size: number, onError: (error: Error) => void): Pool {
  const pool = new pg.Pool({ ...sessionSettings(connectionString), max: size });
  pool.on("error", onError);
  return pool;
}

/** One connection that stays, for LISTEN and for the worker's lock. Its loss is told by "end" and by the next query. */
export async function openClient(connectionString: string, name = SESSION_NAME): Promise<Client> {
  const settings = { ...sessionSettings(connectionString), application_name: name, keepAlive: true };
  const client = new pg.Client(settings);
  client.on("error", () => undefined); // without a listener a connection lost while idle would end the process
  await client.connect();
  return client;
}

function sessionSettings(connectionString: string): pg.ClientConfig {
  return { connectionString, application_name: SESSION_NAME, connectionTimeoutMillis: 10_000 };
}

const CODES: Record<string, ErrorCode> = {
  TM001: "LEASE_LOST",
  TM002: "RUN_ENDED",
  TM003: "STATE_UNAVAILABLE",
  "42501": "STATE_DENIED",
  TM010: "PERMISSION_REFUSED",
  TM011: "USER_INVALID",
};

/**
 * A value as JSON that Postgres stores: it refuses U+0000 in text and half a surrogate pair in jsonb, and what
 * programs print holds both. Each becomes U+FFFD.
 */
export function storedJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => (typeof item === "string" ? storedText(item) : item));
}

/** The same for plain text. */
export function storedText(text: string): string {
  return Buffer.from(text).toString().replaceAll("\0", "\uFFFD"); // UTF-8 knows no half surrogate pairs
}

/**
 * Runs one statement. Errors: LEASE_LOST, RUN_ENDED, PERMISSION_REFUSED, USER_INVALID as the functions of the schema
 * raise them; STATE_DENIED; STATE_UNAVAILABLE when there is no connection, or when the server lost in a crash what the
 * caller wrote before.
 */
export async function query<Row extends pg.QueryResultRow>(
  pool: Pool,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  try {
    return (await pool.query<Row>(text, values)).rows;
  } catch (error) {
    throw translate(error);
  }
}

/** An error of the driver as one of tminus's, where there is one for it. */
export function translate(error: unknown): unknown {
  const sqlState = error instanceof Error && "code" in error ? String(error.code) : "";
  const code = CODES[sqlState];
  if (code !== undefined) return new TminusError(code, (error as Error).message, { cause: error });
  if (isConnectionLoss(sqlState, error)) {
    const reason = error instanceof Error ? error.message : String(error);
    return new TminusError("STATE_UNAVAILABLE", `the state database does not answer: ${reason}`, {
      cause: error,
    });
  }
  return error;
}

/** Class 08 and 57P0x are PostgreSQL's "connection" and "shutting down"; without an SQLSTATE the socket failed. */
function isConnectionLoss(sqlState: string, error: unknown): boolean {
  if (/^08|^57P0/.test(sqlState)) return true;
  if (/^E[A-Z]+$/.test(sqlState)) return true;
  return (
    error instanceof Error &&
    /connection (terminated|timeout|ended)|Client has encountered/i.test(error.message)
  );
}
