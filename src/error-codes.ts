/**
 * Every error that tminus can report: one row a code. `exit` is the process exit code (see docs/cli.md),
 * `retryable` says whether the same call may succeed later without anybody changing anything,
 * `title` is one line, `why` and `next` are what `tminus explain <code>` prints.
 */
export interface ErrorCodeRow {
  exit: ExitCode;
  retryable: boolean;
  title: string;
  why: string;
  next: string;
}

/**
 * 0 done · 1 a step failed · 2 usage or configuration · 3 blocked by a gate · 4 waiting for a person ·
 * 5 rolled back, service healthy · 6 stopped by a person · 7 the environment is held by another run ·
 * 8 the plan is stale · 9 rollback failed · 130 detached, the run goes on.
 */
export type ExitCode = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 130;

export const errorCodes = {
  USAGE_INVALID: {
    exit: 2,
    retryable: false,
    title: "The command line was not understood",
    why: "An argument or option is missing, unknown, or has a value outside its range.",
    next: "Run the command with --help; it lists every option with an example.",
  },
  RUNBOOK_MISSING: {
    exit: 2,
    retryable: false,
    title: "No runbook was found",
    why: "tminus looked for tminus.yaml or tminus.config.ts in this folder and its parents up to the git root.",
    next: "Run tminus init to write one, or name it with --config <file>.",
  },
  RUNBOOK_INVALID: {
    exit: 2,
    retryable: false,
    title: "The runbook has mistakes",
    why: "The file does not fit the schema, or names something that does not exist. Every mistake is listed with file, line and column; nothing was started.",
    next: "Fix the listed lines. The schema is docs/schema/tminus.schema.json; editors can check it while you type.",
  },
  RUNBOOK_UNREADABLE: {
    exit: 2,
    retryable: false,
    title: "The runbook could not be read",
    why: "The file is not UTF-8 text, is larger than the limit, or nests deeper than the limit.",
    next: "Open the named line, or split the file; the limits are 1 MiB and 40 levels.",
  },
  ENVIRONMENT_UNKNOWN: {
    exit: 2,
    retryable: false,
    title: "The environment is not in the runbook",
    why: "The name given with --env is not a key under environments.",
    next: "Use one of the names in the message, or add the environment to the runbook.",
  },
  SECRET_MISSING: {
    exit: 2,
    retryable: false,
    title: "A referenced variable has no value",
    why: "The runbook refers to an environment variable or file entry that is not set where tminus runs.",
    next: "Set the variable named in the message and run the command again.",
  },
  PLAN_BLOCKED: {
    exit: 3,
    retryable: false,
    title: "The plan is blocked",
    why: "At least one gate failed or could not be run, or a step cannot be planned. Only a gate that passed counts as passed.",
    next: "Run tminus plan to see every blocking reason with its fix.",
  },
  PLAN_STALE: {
    exit: 8,
    retryable: false,
    title: "The plan no longer matches the world",
    why: "An input that the plan was made from (runbook, release files, migrations, ledger, what is live) changed after it was made.",
    next: "Run tminus plan again, review it, and deploy the new plan.",
  },
  PLAN_UNREADABLE: {
    exit: 2,
    retryable: false,
    title: "The plan file could not be used",
    why: "It is not a plan that tminus wrote, or its content does not match its hash.",
    next: "Write it again with tminus plan -o <file>.",
  },
  RUN_UNKNOWN: {
    exit: 2,
    retryable: false,
    title: "There is no such run",
    why: "No run with this id exists in the state database.",
    next: "Run tminus log to list the runs.",
  },
  RUN_ENDED: {
    exit: 2,
    retryable: false,
    title: "The run has already ended",
    why: "A run that has ended cannot be steered any more.",
    next: "Run tminus show <run> to see how it ended; tminus rollback --to <release> starts a new run.",
  },
  RUN_NOT_WAITING: {
    exit: 2,
    retryable: false,
    title: "The run does not wait for this",
    why: "The step named is not waiting for a decision, or the item is not on its checklist.",
    next: "Run tminus status to see what the run waits for.",
  },
  RUN_PROTOCOL_UNKNOWN: {
    exit: 1,
    retryable: false,
    title: "The run was planned by another protocol version",
    why: "This worker does not know how to interpret the stored plan, so it leaves the run untouched.",
    next: "Start a worker of the version that made the plan, or abort the run and plan again.",
  },
  APPROVAL_REFUSED: {
    exit: 2,
    retryable: false,
    title: "This approval cannot count",
    why: "The approver started the run, or has already approved it, or the plan changed since.",
    next: "Ask another person to approve.",
  },
  LEASE_HELD: {
    exit: 7,
    retryable: true,
    title: "The environment is held by another run",
    why: "One run at a time may change an environment.",
    next: "Wait for it, or look at it with tminus status; tminus abort <run> ends it.",
  },
  LEASE_LOST: {
    exit: 1,
    retryable: true,
    title: "This worker no longer holds the environment",
    why: "Another worker took the run over, so this one must not change anything any more. Its fencing token is too old.",
    next: "Nothing to do: the run goes on elsewhere. tminus status shows where.",
  },
  STEP_FAILED: {
    exit: 1,
    retryable: false,
    title: "A step failed",
    why: "The step's action or its verification failed; the run's rollback policy decides what follows.",
    next: "Run tminus show <run> for the step's output and evidence.",
  },
  STEP_TIMEOUT: {
    exit: 1,
    retryable: true,
    title: "A step took longer than its limit",
    why: "The step did not finish within its timeout.",
    next: "Run tminus show <run> to see how far it came; raise timeout in the runbook if the limit is too low.",
  },
  STEP_UNKNOWN: {
    exit: 4,
    retryable: false,
    title: "It is not known whether a step took effect",
    why: "tminus was interrupted in the middle of a step that must not be repeated blindly, and its effect cannot be looked up.",
    next: "Look at the system yourself, then say which: tminus resume <run> --as done | retry | failed.",
  },
  COMMAND_FAILED: {
    exit: 1,
    retryable: false,
    title: "A command failed",
    why: "The command ended with a non-zero exit code, was ended by a signal, or could not be started.",
    next: "The last lines of its output are in the message; tminus show <run> has all of it.",
  },
  TARGET_UNREACHABLE: {
    exit: 1,
    retryable: true,
    title: "The deploy target did not answer",
    why: "The target's control interface could not be reached or did not answer in time, so its state is unknown.",
    next: "Run tminus doctor; it names the address and the process that should answer.",
  },
  TARGET_CONFLICT: {
    exit: 1,
    retryable: false,
    title: "The deploy target refused an outdated change",
    why: "Somebody else changed the target after tminus looked at it; the change carried an old generation or fencing token.",
    next: "Run tminus status to see what is live now, then plan again.",
  },
  TARGET_UNHEALTHY: {
    exit: 1,
    retryable: false,
    title: "The new release did not become healthy",
    why: "Its health path did not answer 200 often enough before the deadline, its process ended, or the command that deploys it failed.",
    next: "Its last output lines are in the message. Look at them, then deploy again.",
  },
  DATABASE_UNREACHABLE: {
    exit: 1,
    retryable: true,
    title: "The database did not answer",
    why: "No connection could be made to the database.",
    next: "Check the address in the message, then run tminus doctor.",
  },
  MIGRATION_REFUSED: {
    exit: 3,
    retryable: false,
    title: "The migrations do not fit the ledger",
    why: "A migration that already ran was edited or is missing, or a new one sorts before one that already ran.",
    next: "Restore the file that ran, or give the new file a later timestamp. Never edit a migration that has run.",
  },
  MIGRATION_INVALID: {
    exit: 2,
    retryable: false,
    title: "A migration file is not valid",
    why: "The name is not <timestamp>_<name>.sql, or the up and down sections are missing or doubled.",
    next: "Write '-- tminus: up' before the statements and '-- tminus: down' before the statements that undo them.",
  },
  MIGRATION_FAILED: {
    exit: 1,
    retryable: false,
    title: "A migration failed",
    why: "A statement was refused by the database. Its transaction was rolled back; the ledger says what did run.",
    next: "Fix the statement named in the message and deploy again.",
  },
  MIGRATION_LOCKED: {
    exit: 1,
    retryable: true,
    title: "A migration could not get its lock",
    why: "Another session held a conflicting lock during every attempt. tminus gives up its place quickly so that it never blocks the application.",
    next: "The blocking sessions are named in the message; end them or try again at a quieter time.",
  },
  STATE_UNAVAILABLE: {
    exit: 1,
    retryable: true,
    title: "The state database is not available",
    why: "The embedded Postgres could not be started, or TMINUS_DATABASE_URL does not answer.",
    next: "Run tminus doctor; it says which, and where its log is.",
  },
  STATE_PLATFORM: {
    exit: 2,
    retryable: false,
    title: "There is no embedded Postgres for this platform",
    why: "No Postgres binaries are published for this operating system, processor or C library.",
    next: "Set TMINUS_DATABASE_URL to a Postgres 14 or newer.",
  },
  ROLLBACK_FAILED: {
    exit: 9,
    retryable: false,
    title: "The rollback did not complete",
    why: "At least one compensation failed; the message says which, and what the world was seen to be.",
    next: "Act by hand now. tminus show <run> lists what was undone and what was not.",
  },
  INTERNAL: {
    exit: 1,
    retryable: false,
    title: "tminus met a state it does not understand",
    why: "This is a mistake in tminus.",
    next: "Please report it with the message and the output of tminus doctor --json.",
  },
  INTERRUPTED: {
    exit: 130,
    retryable: false,
    title: "The command was interrupted",
    why: "Ctrl-C or a termination signal came before the command had finished. A run that was started goes on without it.",
    next: "Run tminus status to see whether a run is active.",
  },
  WAIT_TIMEOUT: {
    exit: 1,
    retryable: true,
    title: "The run did not get there in time",
    why: "tminus wait --timeout ended before the run reached the state that it waited for. The run itself goes on.",
    next: "Run tminus status to see what the run does; wait again with a longer --timeout.",
  },
  CHANNEL_UNDELIVERED: {
    exit: 1,
    retryable: true,
    title: "A notification was not delivered",
    why: "The channel's receiver could not be reached, did not answer in time, or answered with something other than 2xx.",
    next: "Check the address that the channel's reference points to, and the receiver's own log.",
  },
  SESSION_UNKNOWN: {
    exit: 1,
    retryable: false,
    title: "The database has no such session",
    why: "No client session of this database has the pid; it may have ended meanwhile.",
    next: "Look again with tminus db locks, long or idle.",
  },
  SESSION_HEALTHY: {
    exit: 3,
    retryable: false,
    title: "The session does no harm and is left alone",
    why: "Only sessions that keep others from a lock, or whose statement or idle transaction is old, may be ended, and never one of tminus's own.",
    next: "Find the one that does harm with tminus db locks; to stop a run use tminus hold or tminus abort.",
  },
  BACKUP_INVALID: {
    exit: 3,
    retryable: false,
    title: "A backup is damaged or incomplete",
    why: "A file of the backup is missing, or is not what the manifest says: its size, its SHA-256, its rows, or what came out of restoring it.",
    next: "Do not rely on this backup. Make a new one with tminus db backup.",
  },
  BACKUP_FAILED: {
    exit: 1,
    retryable: true,
    title: "A backup could not be made or restored",
    why: "The database refused something that the backup needs, the disk is full, or the scratch server could not take the restore. Nothing that counts as a backup was left.",
    next: "The message says what was refused; mend it and run the command again.",
  },
  RESTORE_REFUSED: {
    exit: 3,
    retryable: false,
    title: "A restore was refused",
    why: "A backup is only ever restored into a new database: restored over one that lives it would lose every row written since.",
    next: "Name a database that does not exist yet with --into; tminus db backup-diff says what was written since the backup.",
  },
  BACKFILL_REFUSED: {
    exit: 2,
    retryable: false,
    title: "The backfill cannot be done as it is described",
    why: "The table, a column, an expression or the condition does not fit the database, or the backfill would never end. Nothing was changed.",
    next: "Change the settings as the message says.",
  },
  BACKFILL_FAILED: {
    exit: 1,
    retryable: true,
    title: "The backfill stopped",
    why: "The database refused a value, rows stayed locked, or rows were written past the trigger. Rows that were filled stay filled; the trigger was removed so that it hinders no writer.",
    next: "Mend the cause and run the backfill again: it passes over what is filled already.",
  },
  BACKFILL_TAKEN: {
    exit: 1,
    retryable: false,
    title: "Another process has taken the backfill on",
    why: "A newer process goes on with the same backfill, or it was taken back. This one changes nothing any more.",
    next: "Run tminus db backfill to see it.",
  },
  BACKFILL_UNKNOWN: {
    exit: 2,
    retryable: false,
    title: "It is not said, or not known, which backfill is meant",
    why: "No backfill with that name is under way in this database, or more than one is and none was named.",
    next: "Run tminus db backfill to list them, and name one.",
  },
  DATABASE_POOLED: {
    exit: 2,
    retryable: false,
    title: "The connection goes through a transaction pooler",
    why: "Each transaction may run in another backend there, so a session's settings and locks would be lost or given to another client.",
    next: "Give the connection string of the server itself, not that of its pooler.",
  },
} as const satisfies Record<string, ErrorCodeRow>;

export type ErrorCode = keyof typeof errorCodes;
