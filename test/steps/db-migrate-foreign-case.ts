import { readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/lib/clock.ts";
import { dbMigrate } from "../../src/steps/db-migrate.ts";
import type { OpenKilledStep } from "../../src/testing/kill-harness.ts";

/** A case module for the kill harness: the folder holds database.url and prisma/migrations/. */
export const openKilledStep: OpenKilledStep = (directory) => ({
  kind: dbMigrate,
  with: { directory: "prisma/migrations" },
  world: {
    projectDirectory: directory,
    clock: systemClock,
    environment: { database: "env:DATABASE_URL" },
    secrets: { "env:DATABASE_URL": readFileSync(join(directory, "database.url"), "utf8") },
  },
});
