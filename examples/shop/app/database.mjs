import pg from "pg";
import { log } from "./log.mjs";

/**
 * Queries over a pool. Every statement is named, so that the server parses it once a connection; columns are
 * always listed, so that a migration which adds one does not change the shape of a statement already prepared.
 */
export function openDatabase(connectionString, { maxConnections = 8 } = {}) {
  const pool = new pg.Pool({
    connectionString,
    max: maxConnections,
    connectionTimeoutMillis: 3_000,
    idleTimeoutMillis: 30_000,
    statement_timeout: 5_000,
    application_name: "shop",
  });
  // An idle connection that the server closes is replaced by the pool; without a listener it would end the process.
  pool.on("error", (error) => log("database.connection-lost", { message: error.message }));
  return {
    query: (name, text, values) => withClient(pool, (query) => query(name, text, values)),
    transaction: (work) => withClient(pool, (query) => inTransaction(query, work)),
    close: () => pool.end(),
  };
}

/** True when Postgres could not be asked, as opposed to having answered with an error. */
export function isUnavailable(error) {
  return error instanceof ConnectFailed || isConnectionLost(error);
}

/** True when `error` is the violation of that unique constraint. */
export function isDuplicate(error, constraint) {
  return error?.code === "23505" && error.constraint === constraint;
}

class ConnectFailed extends Error {}

/** Lends a connection to `work`; one that broke is thrown away instead of going back to the pool. */
async function withClient(pool, work) {
  const client = await pool.connect().catch((cause) => {
    throw new ConnectFailed(`cannot connect to the database: ${cause.message}`, { cause });
  });
  let broken = false;
  // The query under way is rejected too; without a listener the event itself would end the process.
  const note = (error) => log("database.connection-lost", { message: error.message });
  client.on("error", note);
  try {
    return await work((name, text, values) => client.query({ name, text, values }));
  } catch (error) {
    broken = isConnectionLost(error) || error.connectionUncertain === true;
    throw error;
  } finally {
    client.off("error", note);
    client.release(broken);
  }
}

async function inTransaction(query, work) {
  await query("begin", "BEGIN");
  try {
    const result = await work(query);
    await query("commit", "COMMIT");
    return result;
  } catch (error) {
    // The first error is the one to report; a connection that cannot even roll back is of no more use.
    await query("rollback", "ROLLBACK").catch(() => {
      error.connectionUncertain = true;
    });
    throw error;
  }
}

function isConnectionLost(error) {
  const code = String(error.code ?? "");
  const socketClosed = ["ECONNRESET", "EPIPE", "ETIMEDOUT"].includes(code);
  const serverGone = code.startsWith("08") || code.startsWith("57P");
  return socketClosed || serverGone || /Connection terminated|not queryable/.test(error.message);
}
