import type { GateContext } from "../../model/gate-kind.ts";
import { capture, type Captured } from "../capture.ts";
import type { Manager } from "./find-lockfile.ts";

type Which = "all" | "production";

const MAX_OUTPUT = 64 * 1024 * 1024;

const NPM = ["npm", "audit", "--json", "--package-lock-only"];
const YARN = ["yarn", "audit", "--json"];

/** What asks for advisories about what the lockfile names, and prints JSON. None of them installs anything. */
export const auditCommands: Readonly<Record<Manager, (which: Which) => string[]>> = {
  npm: (which) => [...NPM, which === "production" ? "--omit=dev" : "--include=dev"],
  pnpm: (which) => ["pnpm", "audit", "--json", ...(which === "production" ? ["--prod"] : [])],
  yarn: (which) =>
    which === "production" ? [...YARN, "--groups", "dependencies optionalDependencies"] : YARN,
  berry: (which) => ["yarn", "npm", "audit", "--all", "--recursive", "--json", "--environment", which],
};

/** Runs a package manager in a folder; it neither writes logs nor asks anybody for its own updates. */
export function askClient(
  context: Pick<GateContext<unknown>, "signal" | "redact" | "processEnvironment">,
  argv: readonly string[],
  cwd: string,
  timeoutMs: number,
): Promise<Captured> {
  const env = { ...context.processEnvironment, ...QUIET };
  return capture(context, argv, { cwd, env, timeoutMs, maxBytes: MAX_OUTPUT });
}

const QUIET = {
  npm_config_logs_max: "0",
  npm_config_update_notifier: "false",
  npm_config_fetch_retries: "1",
  npm_config_fetch_retry_mintimeout: "1000",
  YARN_ENABLE_TELEMETRY: "0",
  NO_COLOR: "1",
};
