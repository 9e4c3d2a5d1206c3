import { createThrowawayDatabase } from "../../src/store/throwaway-postgres.ts";

export interface FreshDatabase {
  /** Connection string, usable by `pg` and by child processes. */
  url: string;
  /** Ends every session in the database and removes it. Safe to repeat. */
  drop(): Promise<void>;
}

/** A new database on the server of this test run: empty, or a copy of `template` (a database name nobody is connected to). */
export async function freshDatabase(template?: string): Promise<FreshDatabase> {
  const adminUrl = process.env.TMINUS_TEST_POSTGRES;
  if (adminUrl === undefined)
    throw new Error(
      "TMINUS_TEST_POSTGRES is not set: run the tests with vitest, which starts test/global-setup.ts",
    );
  return createThrowawayDatabase(adminUrl, template);
}
