import { command } from "./command.ts";
import type { AnyGateKind } from "./define.ts";
import { dbDrift } from "./db-drift.ts";
import { gitClean } from "./git-clean.ts";
import { urlHealthy } from "./url-healthy.ts";

/** Every gate kind that a runbook may name. A new kind adds its line. */
export const gateKinds: Readonly<Record<string, AnyGateKind>> = {
  command,
  "db.drift": dbDrift,
  "git.clean": gitClean,
  "url.healthy": urlHealthy,
};
