import { Option, type Command } from "commander";
import { durationOf, example, withDatabase, type Run } from "../declare.ts";

export interface RehearseCommandOptions {
  dir: string;
  format: "auto" | "native" | "supabase" | "prisma";
  tier: "0" | "1" | "2";
  backup?: string;
  canary: string[];
  prelude?: string;
  /** Milliseconds, as is the next. */
  maxLock: number;
  maxDuration: number;
  requireReversible?: boolean;
  acceptUnknown?: boolean;
  database?: string;
}

export function declareRehearse(database: Command, run: Run): void {
  const rehearse = database
    .command("rehearse")
    .description(
      "try the pending migrations out in a scratch database, up, down and up again; tells what each locks, how long it takes in production and what undoing loses; exits 3 when they should not run",
    );
  withDatabase(rehearse)
    .requiredOption("--dir <folder>", "folder of the migrations, from the project folder")
    .addOption(
      new Option("--format <format>", "whose files they are; auto looks at the folder")
        .choices(["auto", "native", "supabase", "prisma"])
        .default("auto"),
    )
    .addOption(
      new Option(
        "--tier <tier>",
        "0: in this process, structure only; 1: on a scratch server with made-up rows; 2: there, in a restore of a proven backup, with the real rows",
      )
        .choices(["0", "1", "2"])
        .default("1"),
    )
    .option(
      "--backup <backup>",
      "for tier 2: name of the backup or a path to its folder; the newest when left out",
    )
    .option(
      "--canary <query>",
      "a query of the application to run before and after each file; may be given again",
      (query: string, before: string[]) => [...before, query],
      [],
    )
    .option(
      "--prelude <file>",
      "SQL for what production has without the migrations, such as a platform's schemas",
    )
    .option("--max-lock <duration>", "refuse when a lock is likely held longer", durationOf, 5_000)
    .option(
      "--max-duration <duration>",
      "refuse when all files together likely take longer",
      durationOf,
      300_000,
    )
    .option("--require-reversible", "refuse when undoing would not give everything back")
    .option("--accept-unknown", "do not refuse for what could not be found out");
  example(
    rehearse,
    "tminus db rehearse --dir migrations",
    "tminus db rehearse --dir migrations --tier 0 --database env:DATABASE_URL --json",
    "tminus db rehearse --dir migrations --tier 2 --env production",
    "tminus db rehearse --dir migrations --max-lock 1s --canary 'select id, email from users where id = $1'",
  );
  rehearse.action((options: RehearseCommandOptions) =>
    run(async (context) => (await import("../commands/db/rehearse.ts")).rehearseMigrations(context, options)),
  );
}
