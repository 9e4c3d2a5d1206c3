import { Client } from "pg";
import { TminusError } from "../../errors.ts";
import { SOCKET_PORT } from "./socket-folder.ts";
import { codeOf, unavailable } from "./unavailable.ts";

const CONNECT_TIMEOUT_MS = 5_000;
const QUERY_TIMEOUT_MS = 60_000;

/**
 * A connection string for `pg` and libpq. It is also a plain URL, and it says what the environment could
 * otherwise change (port, TLS).
 */
export function socketUrl(socketDirectory: string, database: string): string {
  const url = new URL(`postgresql://postgres@localhost:${SOCKET_PORT}/`);
  url.pathname = `/${encodeURIComponent(database)}`;
  url.searchParams.set("host", socketDirectory);
  url.searchParams.set("sslmode", "disable");
  return url.href;
}

/** The same server, another database. */
export function withDatabase(connectionString: string, database: string): string {
  const url = new URL(connectionString);
  url.pathname = `/${encodeURIComponent(database)}`;
  return url.href;
}

/** Makes the database when it is missing. Safe to repeat and to call at once. Errors: STATE_UNAVAILABLE. */
export async function ensureDatabase(connectionString: string, name: string): Promise<void> {
  await withClient(connectionString, async (client) => {
    const found = await client.query("select 1 from pg_database where datname = $1", [name]);
    if (found.rows.length > 0) return;
    try {
      await client.query(`create database ${quote(name)} template template0`);
    } catch (error) {
      // Somebody else made it in between: duplicate_database, or unique_violation in the same instant.
      if (!["42P04", "23505"].includes(codeOf(error) ?? "")) throw error;
    }
  });
}

/** Makes a database as a copy of `template`, to which nobody may be connected. Errors: STATE_UNAVAILABLE. */
export async function createDatabase(
  connectionString: string,
  name: string,
  template: string,
): Promise<void> {
  await withClient(connectionString, (client) =>
    client.query(`create database ${quote(name)} template ${quote(template)}`),
  );
}

/** Ends every session in the database and removes it. Safe to repeat. Errors: STATE_UNAVAILABLE. */
export async function dropDatabase(connectionString: string, name: string): Promise<void> {
  await withClient(connectionString, (client) =>
    client.query(`drop database if exists ${quote(name)} with (force)`),
  );
}

export type ServerAnswer =
  /** Takes connections; `data` is the folder that it works in, as it was when it started. */
  | { state: "ready"; data: string }
  /** There, but starting, recovering or stopping. */
  | { state: "busy" }
  /** Nobody listens on the socket. */
  | { state: "silent" };

/** Asks whoever listens on the socket. Errors: STATE_UNAVAILABLE when there is an answer of another kind, or none in time. */
export async function askServer(socketDirectory: string): Promise<ServerAnswer> {
  try {
    return await withClient(socketUrl(socketDirectory, "postgres"), async (client) => {
      const { rows } = await client.query<{ data: string }>(
        "select current_setting('data_directory') as data",
      );
      return { state: "ready", data: rows[0]!.data };
    });
  } catch (error) {
    const cause = error instanceof TminusError ? error.cause : error;
    const code = codeOf(cause);
    if (code === "ENOENT" || code === "ECONNREFUSED") return { state: "silent" };
    // cannot_connect_now, admin_shutdown, crash_shutdown; or it ended in the middle of the answer.
    if (["57P03", "57P01", "57P02", "ECONNRESET", "EPIPE"].includes(code ?? "")) return { state: "busy" };
    if (cause instanceof Error && cause.message.startsWith("Connection terminated unexpectedly"))
      return { state: "busy" };
    throw error;
  }
}

async function withClient<T>(connectionString: string, task: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({
    connectionString,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    application_name: "tminus",
  });
  // Reported by the query that fails because of it: one that is sent later says only that there was an error.
  let lost: Error | undefined;
  client.on("error", (error) => (lost ??= error));
  try {
    await client.connect();
    try {
      return await task(client);
    } finally {
      await client.end();
    }
  } catch (error) {
    const cause = lost ?? error;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw unavailable(
      `the database server did not do what it was asked: ${reason}`,
      { code: codeOf(cause) },
      { cause },
    );
  }
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
