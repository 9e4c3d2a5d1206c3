import { skippedForWant } from "./support/optional-programs.ts";
import { openThrowawayPostgres, type ThrowawayPostgres } from "../src/store/throwaway-postgres.ts";

let server: ThrowawayPostgres | undefined;

/** One Postgres server for the whole test run; freshDatabase() in support/database.ts makes databases on it. */
export async function setup(): Promise<void> {
  server = await openThrowawayPostgres();
  process.env.TMINUS_TEST_POSTGRES = server.adminUrl;
}

/** Runs also after failed tests and on Ctrl-C. */
export async function teardown(): Promise<void> {
  await server?.close();
  for (const line of skippedForWant()) process.stdout.write(`${line}\n`);
}
