import { createServer } from "node:http";
import { accountRoutes } from "./accounts.mjs";
import { readConfig } from "./config.mjs";
import { openDatabase } from "./database.mjs";
import { createHandler } from "./handle.mjs";
import { log } from "./log.mjs";
import { orderRoutes } from "./orders.mjs";
import { pageRoutes } from "./pages.mjs";
import { productRoutes } from "./products.mjs";
import { createRouter } from "./router.mjs";
import { createSessions } from "./sessions.mjs";
import { shutDown } from "./shut-down.mjs";

/**
 * Runs one release until SIGTERM or SIGINT. `features` is what tells releases apart:
 * `badges` (boolean), `describeOrder(order)` → more fields, `availability(ids, database)` → Map of id to stock.
 */
export function startShop(features) {
  const { port, host, databaseUrl, release } = readConfig(process.env);
  const database = openDatabase(databaseUrl);
  const sessions = createSessions(database);
  let draining = false;
  const isDraining = () => draining;
  const context = { database, sessions, features, release, isDraining };
  const routes = [pageRoutes, accountRoutes, productRoutes, orderRoutes].flatMap((make) => make(context));
  const { handle, drain } = createHandler(createRouter(routes));
  const server = createServer(
    // Idle connections outlive those of the proxy in front, so that it is never the shop that closes one in use.
    { requestTimeout: 15_000, headersTimeout: 5_000, keepAliveTimeout: 65_000, maxHeaderSize: 16 * 1024 },
    handle,
  );
  const stop = async (signal) => {
    if (draining) return;
    draining = true;
    drain();
    log("stopping", { release, signal });
    const clean = await shutDown(server, database);
    log("stopped", { release, clean });
    process.exit(clean ? 0 : 1);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  server.on("error", (error) => {
    log("listen.failed", { port, message: error.message });
    process.exit(1);
  });
  server.listen(port, host, () => log("listening", { release, port: server.address().port }));
}
