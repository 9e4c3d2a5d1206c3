import { Option, type Command } from "commander";
import { example, withDatabase, type Run } from "../declare.ts";

export function declareStatus(database: Command, run: Run): void {
  const status = database
    .command("status")
    .description(
      "which migrations have run and which are pending; exits 3 when the files and the ledger disagree",
    );
  withDatabase(status).requiredOption("--dir <folder>", "folder of the migrations, from the project folder");
  status.addOption(
    new Option("--format <format>", "whose files they are; auto looks at the folder")
      .choices(["auto", "native", "supabase", "prisma"])
      .default("auto"),
  );
  example(
    status,
    "tminus db status --dir migrations",
    "tminus db status --dir migrations --database env:DATABASE_URL --json",
    "tminus db status --dir supabase/migrations --format supabase",
  );
  status.action(
    (options: { dir: string; format: "auto" | "native" | "supabase" | "prisma"; database?: string }) =>
      run(async (context) => (await import("../commands/db/status.ts")).databaseStatus(context, options)),
  );
}
