import type { Command } from "commander";
import { example, withDatabase, type Run } from "../declare.ts";
import type { RlsOptions } from "../commands/db/rls.ts";

export function declareRls(database: Command, run: Run): void {
  const rls = database
    .command("rls")
    .description(
      "whether row security holds: checks the catalog, and tries to read and write as anonymous, signed in and two tenants, rolled back; exits 3 for a hole, 1 when it could not be found out",
    );
  withDatabase(rls)
    .option("--settings <file>", "JSON file with the settings of a db.rls step, from the project folder")
    .option("--tenant-column <name>", "column that says whose a row is, in every table that has it");
  example(
    rls,
    "tminus db rls",
    "tminus db rls --settings rls.json",
    "tminus db rls --settings rls.json --database env:DATABASE_URL --json",
  );
  rls.action((options: RlsOptions) =>
    run(async (context) => (await import("../commands/db/rls.ts")).databaseRls(context, options)),
  );
}
