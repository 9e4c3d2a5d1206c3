/**
 * What a release reads from its environment.
 * PORT may be 0 (any free port); DATABASE_URL may name a TCP host or a folder with a unix socket.
 */
export function readConfig(env) {
  const port = Number(env.PORT);
  if (env.PORT === undefined || !Number.isInteger(port) || port < 0 || port > 65535) {
    throw new Error("PORT must be a number from 0 to 65535");
  }
  if (!env.DATABASE_URL) throw new Error("DATABASE_URL must be a Postgres connection string");
  return { port, host: "127.0.0.1", databaseUrl: env.DATABASE_URL, release: env.RELEASE_ID ?? "unnamed" };
}
