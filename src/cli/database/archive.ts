import type { Command } from "commander";
import { durationOf, example, withIdentity, withConfirmation, withDatabase, type Run } from "../declare.ts";

export interface ArchiveOptions {
  database?: string;
  /** True when none is named. */
  remove?: true | string[];
  /** In milliseconds. */
  olderThan?: number;
  unknownRuns?: boolean;
  by?: string;
  login?: string;
  yes?: boolean;
  confirm?: string;
}

export function declareArchive(database: Command, run: Run): void {
  const archive = withConfirmation(withIdentity(withDatabase(database.command("archive"))))
    .description(
      "what db.contract dropped and keeps in the schema tminus_archive, and whether that can still be undone; or remove it: never what a run that has not ended may still put back. Exits 3 when one that was named stays",
    )
    .option("--remove [id...]", "remove these, or with --older-than all that are older")
    .option("--older-than <duration>", "only what was archived longer ago: 30d", durationOf)
    .option(
      "--unknown-runs",
      "for --remove: also what was archived by a run that is not known here, or where there is no runbook to ask",
    );
  example(
    archive,
    "tminus db archive",
    "tminus db archive --older-than 30d --json",
    "tminus db archive --remove 3 4 --confirm production",
    "tminus db archive --remove --older-than 30d",
  );
  archive.action((options: ArchiveOptions) =>
    run(async (context) => (await import("../commands/db/archive.ts")).archive(context, options)),
  );
}
