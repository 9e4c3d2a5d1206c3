import { readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/lib/clock.ts";
import { dbContract } from "../../src/steps/db-contract.ts";
import type { OpenKilledStep } from "../../src/testing/kill-harness.ts";

/** A case module for the kill harness: the folder holds database.url and migrations/. */
export const openKilledStep: OpenKilledStep = (directory) => ({
  kind: dbContract,
  with: { directory: "migrations" },
  world: {
    projectDirectory: directory,
    clock: systemClock,
    environment: { database: "env:DATABASE_URL" },
    secrets: { "env:DATABASE_URL": readFileSync(join(directory, "database.url"), "utf8") },
  },
});
