import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { serveStatic } from "@hono/node-server/serve-static";
import { TminusError } from "../errors.ts";
import type { Api } from "./api.ts";
import { sameOrigin } from "./middleware/same-origin.ts";

/** The same from src/ as from dist/. */
const FOLDER = fileURLToPath(new URL("../../web/dist", import.meta.url));
/** Their names change with their content. */
const HASHED = "/assets/";

/** Serves the console's files; every other address is a page of it. Errors: CONSOLE_MISSING when it is not built. */
export function addConsole(app: Api, hosts: readonly string[], folder = FOLDER): void {
  if (!existsSync(join(folder, "index.html")))
    throw new TminusError("CONSOLE_MISSING", `the console is not in ${folder}`);
  app.get("*", sameOrigin(hosts));
  app.get("*", async (c, next) => {
    await next();
    if (c.res.ok)
      c.res.headers.set(
        "Cache-Control",
        c.req.path.startsWith(HASHED) ? "public, max-age=31536000, immutable" : "no-cache",
      );
  });
  app.get("*", serveStatic({ root: folder, precompressed: true }));
  const index = serveStatic({ root: folder, path: "index.html" });
  app.get("*", async (c, next) =>
    /^\/(api|assets|metrics)(\/|$)/.test(c.req.path) ? next() : index(c, next),
  );
}
