import { Option, type Command } from "commander";
import { example, withDatabase, type Run } from "../declare.ts";
import type { DriftOptions } from "../commands/db/drift.ts";

export function declareDrift(database: Command, run: Run): void {
  const drift = database
    .command("drift")
    .description(
      "what differs between the live schema and what the files and tminus' own record say, object by object; exits 3 when something does, 1 when it could not be found out",
    );
  withDatabase(drift)
    .requiredOption("--dir <folder>", "folder of the migrations, from the project folder")
    .addOption(
      new Option("--format <format>", "whose files they are; auto looks at the folder")
        .choices(["auto", "native", "supabase", "prisma"])
        .default("auto"),
    )
    .addOption(
      new Option("--expected <what>", "what the live schema must equal")
        .choices(["files", "recorded", "both"])
        .default("both"),
    )
    .option("--ignore <pattern...>", 'objects that may differ: "table public.tmp_*"', [])
    .option("--exclude <schema...>", "schemas that are not looked at", [])
    .option("--baseline <file>", "SQL that the scratch database needs before the migrations")
    .option("--sql", "print the statements that would remove the difference");
  example(
    drift,
    "tminus db drift --dir migrations",
    "tminus db drift --dir prisma/migrations --expected files --sql",
    "tminus db drift --dir supabase/migrations --ignore 'grants *' --json",
  );
  drift.action((options: DriftOptions) =>
    run(async (context) => (await import("../commands/db/drift.ts")).databaseDrift(context, options)),
  );
}
