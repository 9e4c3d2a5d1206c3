import { Option, type Command } from "commander";
import { example, withDatabase, type Run } from "../declare.ts";

export interface LintCommandOptions {
  dir: string;
  format: "text" | "sarif" | "github";
  history: "auto" | "native" | "supabase" | "prisma";
  strict?: boolean;
  style?: boolean;
  fix?: boolean;
  write?: boolean;
  database?: string;
}

export function declareLint(database: Command, run: Run): void {
  const lint = database
    .command("lint")
    .description(
      "find what in migrations stops the service, breaks the running release or loses rows; every file, or with --database or --env what is pending there, by the sizes of its tables; exits 3 when something should not run",
    )
    .requiredOption("--dir <folder>", "folder of the migrations")
    .addOption(
      new Option("--format <format>", "text for people, SARIF 2.1.0, or annotations for GitHub Actions")
        .choices(["text", "sarif", "github"])
        .default("text"),
    )
    .addOption(
      new Option("--history <format>", "whose files they are; auto looks at the folder")
        .choices(["auto", "native", "supabase", "prisma"])
        .default("auto"),
    )
    .option("--strict", "exit 3 for what needs a person's yes, too")
    .option("--style", "matters of taste, too")
    .option(
      "--fix",
      "show the safe sequence of files that stands for what should not run, tried out on a scratch server",
    )
    .option("--write", "with --fix: write these files, all or none; only for files that no database has run");
  withDatabase(lint);
  example(
    lint,
    "tminus db lint --dir migrations",
    "tminus db lint --dir supabase/migrations --strict --format github",
    "tminus db lint --dir prisma/migrations --format sarif > lint.sarif",
    "tminus db lint --dir migrations --database env:DATABASE_URL --json",
    "tminus db lint --dir migrations --env production --fix --write",
  );
  lint.action((options: LintCommandOptions) =>
    run(async (context) => {
      if (options.fix === true)
        return (await import("../commands/db/lint-fix.ts")).fixFiles(context, options);
      return (await import("../commands/db/lint.ts")).lintFiles(context, options);
    }),
  );
}
