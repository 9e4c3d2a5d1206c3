import { InvalidArgumentError, Option, type Command } from "commander";
import { countOf, durationOf, example, withConfirmation, withDatabase, type Run } from "../declare.ts";

const BACKUP = "name of the backup, or a path to its folder";
const DEFAULT_JOBS = 2;
const MAX_JOBS = 16;

/** Backing up, looking at backups, and restoring one into a new database. */
export function declareBackup(database: Command, run: Run): void {
  const body = () => import("../commands/db/backup.ts");

  const backup = withPrograms(withJobs(withFolder(withDatabase(database.command("backup")))))
    .description(
      "back the database up, restore the backup into a scratch database and compare: only then it counts",
    )
    .option("--exclude <table...>", "tables whose rows are left out: public.logs")
    .addOption(
      new Option("--tool <tool>", "what writes it: our own reader, or pg_dump in its directory format")
        .choices(["copy", "pg_dump"])
        .default("copy"),
    )
    .option("--prove <backup>", `prove one that has no proof instead; ${BACKUP}`);
  example(
    backup,
    "tminus db backup",
    "tminus db backup --exclude public.logs --jobs 4",
    "tminus db backup --tool pg_dump",
  );
  backup.action((options: MakeOptions) => run(async (context) => (await body()).backup(context, options)));

  const backups = withFolder(withDatabase(database.command("backups"))).description(
    "the backups, newest first, and whether each counts; exits 3 when none does",
  );
  example(backups, "tminus db backups", "tminus db backups --json");
  backups.action((options: BackupOptions) =>
    run(async (context) => (await body()).backups(context, options)),
  );

  const remove = withConfirmation(withFolder(withDatabase(database.command("backup-remove"))))
    .argument("[backup...]", BACKUP)
    .option("--keep <number>", "remove the proven backups but so many, the newest", countOf)
    .option("--older-than <duration>", "remove backups that are older, also unproven ones", durationOf)
    .option("--look", "say what would be removed, and remove nothing")
    .description(
      "remove backups: never the newest that is proven, and none that a run names which can still go back",
    );
  example(
    remove,
    "tminus db backup-remove --keep 3 --look",
    "tminus db backup-remove --older-than 30d --yes",
    "tminus db backup-remove 20260101t120000z-4kq2m8",
  );
  remove.action((names: string[], options: RemoveOptions) =>
    run(async (context) =>
      (await import("../commands/db/backup-remove.ts")).backupRemove(context, names, options),
    ),
  );

  const diff = withJobs(withFolder(withDatabase(database.command("backup-diff"))))
    .argument("[backup]", `${BACKUP}; the newest when left out`)
    .description("what was written since a backup, table by table: what restoring it would not bring back");
  example(diff, "tminus db backup-diff", "tminus db backup-diff 20260101t120000z-4kq2m8 --json");
  diff.action((name: string | undefined, options: BackupOptions) =>
    run(async (context) => (await body()).backupDiff(context, name, options)),
  );

  const restore = withConfirmation(
    withPrograms(withJobs(withFolder(withDatabase(database.command("restore"))))),
  )
    .description(
      "restore a backup into a new database on the same server, never over one that has anything in it",
    )
    .requiredOption("--into <name>", "name of the new database")
    .option("--from <backup>", `${BACKUP}; the newest when left out`)
    .option("--unproven", "also from a backup without a proof")
    .option("--create-roles", "make roles that the backup names and the server lacks, without login");
  example(
    restore,
    "tminus db restore --into shop_before_v2",
    "tminus db restore --from 20260101t120000z-4kq2m8 --into shop_restored",
  );
  restore.action((options: RestoreOptions) =>
    run(async (context) => (await body()).restore(context, options)),
  );
}

export interface BackupOptions {
  database?: string;
  directory?: string;
  jobs?: number;
  programs?: string;
}

export interface MakeOptions extends BackupOptions {
  exclude?: string[];
  prove?: string;
  tool?: "copy" | "pg_dump";
}

export interface RemoveOptions extends Omit<BackupOptions, "jobs" | "programs"> {
  keep?: number;
  /** In milliseconds. */
  olderThan?: number;
  look?: boolean;
  yes?: boolean;
  confirm?: string;
}

export interface RestoreOptions extends BackupOptions {
  into: string;
  from?: string;
  unproven?: boolean;
  createRoles?: boolean;
  yes?: boolean;
  confirm?: string;
}

function withFolder(command: Command): Command {
  return command.option(
    "--directory <folder>",
    "folder of the backups, from the project folder; backups/<environment> in the state folder when left out",
  );
}

function withPrograms(command: Command): Command {
  return command.option(
    "--programs <folder>",
    "folder of pg_dump and pg_restore, for backups by pg_dump; PATH and Debian's folders when left out",
  );
}

function withJobs(command: Command): Command {
  return command.option("--jobs <number>", "how many connections work at once", jobsOf, DEFAULT_JOBS);
}

function jobsOf(text: string): number {
  const jobs = Number(text);
  if (!Number.isSafeInteger(jobs) || jobs < 1 || jobs > MAX_JOBS)
    throw new InvalidArgumentError(`Give a number from 1 to ${MAX_JOBS}.`);
  return jobs;
}
