import type { Command } from "commander";
import { example, withDatabase, type Run } from "../declare.ts";

interface Options {
  database?: string;
  pause?: boolean;
  resume?: boolean;
}

export function declareBackfill(database: Command, run: Run): void {
  const backfill = withDatabase(database.command("backfill")).argument(
    "[name]",
    "name or table of the backfill; the one under way when left out",
  );
  backfill
    .description("how far the backfills of this database are; a run's db.backfill step carries them out")
    .option("--pause", "let it pause after the batch at hand; its trigger goes on filling what is written")
    .option("--resume", "let it go on");
  example(
    backfill,
    "tminus db backfill",
    "tminus db backfill --pause",
    "tminus db backfill public.users --resume",
  );
  backfill.action((name: string | undefined, options: Options) =>
    run(async (context) => (await import("../commands/db/backfill.ts")).backfill(context, name, options)),
  );
}
