import type { ScratchServer } from "../../model/ports.ts";
import {
  discoverHistory,
  readStanding,
  type FolderOfMigrations,
  type FormatChoice,
} from "../migrations/read-history.ts";
import { openSession, readOnly, type Session } from "../session/connect.ts";
import { keyOf } from "./compare.ts";
import { readFingerprint, type Fingerprint, type FingerprintOptions } from "./fingerprint.ts";
import { readRecorded, type RecordedFingerprint } from "./recorded.ts";
import { reconcilingSql, type ReconcilingSql } from "./reconcile.ts";
import { baselineOf } from "./shadow-baseline.ts";
import { replayInShadow } from "./shadow.ts";
import { judgeDrift, type Drift } from "./three-way.ts";

export type ExpectedSchema = "files" | "recorded" | "both";

export interface DriftOptions {
  connectionString: string;
  /** Absolute path of the folder of migrations. */
  directory: string;
  format: FormatChoice;
  expected: ExpectedSchema;
  /** "grants *", "table public.tmp_*": kind and identity, where * stands for anything. */
  ignore: readonly string[];
  /** Schemas that are not looked at. */
  exclude: readonly string[];
  /** SQL that runs in the scratch database before the files. */
  baseline?: string | undefined;
  scratch: ScratchServer;
  signal: AbortSignal;
  progress: (text: string) => void;
}

/** "unknown": it could not be found out whether there is drift. */
export type DriftOutcome =
  | {
      state: "compared";
      live: Fingerprint;
      /** Empty: no drift. */
      drift: Drift[];
      /** What makes live what the files say; what was recorded when the files were not asked. */
      sql: ReconcilingSql;
      /** What live was compared with. */
      against: ("files" | "recorded")[];
      /** What a reader has to know about the comparison. */
      notes: string[];
    }
  | { state: "unknown"; reason: string };

const READ_TIMEOUT_MS = 30_000;

/**
 * Compares the live schema with what the files that have run say (replayed in a scratch database), with what it
 * was when tminus last verified it, or with both. Changes nothing in the live database.
 * Errors: MIGRATION_INVALID, DATABASE_UNREACHABLE, STATE_UNAVAILABLE, STATE_PLATFORM.
 */
export async function checkDrift(options: DriftOptions): Promise<DriftOutcome> {
  const { expected, progress } = options;
  const folder = await discoverHistory(options.directory, options.format);
  const fingerprint: FingerprintOptions = {
    exclude: [...options.exclude, ...baselineOf(folder.format).schemas],
  };
  progress("reading the catalog");
  const look = await readOnly(sessionOptions(options), (session) => lookAt(session, folder, fingerprint));
  const notes: string[] = [];
  if (look.ran.length === 0 && expected !== "recorded")
    notes.push(
      "no file has run here by the database's history: whatever is there counts as not in the files",
    );
  const recorded = expected === "files" ? undefined : look.recorded;
  if (expected !== "files" && recorded === undefined) {
    const reason = "tminus has not verified and recorded this database yet";
    if (expected === "recorded") return { state: "unknown", reason };
    notes.push(`${reason}: compared with the files alone`);
  }
  let files: Fingerprint | undefined;
  if (expected !== "recorded") {
    const outcome = await replayInShadow(look.ran, {
      ...options,
      format: folder.format,
      roles: look.roles,
      fingerprint,
    });
    if (outcome.state === "replayed") files = outcome.fingerprint;
    else if (recorded === undefined) return { state: "unknown", reason: outcome.reason };
    else notes.push(`the files could not be compared: ${outcome.reason}`);
  }
  notes.push(...versionNotes(look.live, files));
  return concluded(options, look.live, files, recorded, notes);
}

function concluded(
  options: DriftOptions,
  live: Fingerprint,
  files: Fingerprint | undefined,
  recorded: RecordedFingerprint | undefined,
  notes: string[],
): DriftOutcome {
  const drift = judgeDrift({ live, files, recorded }).filter(
    ({ difference }) => !options.ignore.some((pattern) => matches(pattern, keyOf(difference))),
  );
  // With half of the comparison missing, finding nothing is not a proof.
  if (options.expected === "both" && files === undefined && drift.length === 0)
    return { state: "unknown", reason: notes.join("; ") };
  const target = files ?? recorded!.fingerprint;
  const from = files === undefined ? "recorded" : "files";
  const differences = drift.filter((item) => item.from.includes(from)).map(({ difference }) => difference);
  return {
    state: "compared",
    live,
    drift,
    sql: reconcilingSql(target, live, differences),
    against: [
      ...(files === undefined ? [] : ["files" as const]),
      ...(recorded === undefined ? [] : ["recorded" as const]),
    ],
    notes,
  };
}

interface Look {
  live: Fingerprint;
  recorded: RecordedFingerprint | undefined;
  /** Files that have run, by the history that the database keeps. */
  ran: FolderOfMigrations["migrations"];
  roles: string[];
}

async function lookAt(
  session: Session,
  { format, migrations }: FolderOfMigrations,
  fingerprint: FingerprintOptions,
): Promise<Look> {
  const { ran } = await readStanding(session, format, migrations);
  const roles = await session.query<{ name: string }>(
    "select rolname as name from pg_roles where rolname !~ '^pg_' limit 1000",
  );
  return {
    live: await readFingerprint(session, fingerprint),
    recorded: await readRecorded(session),
    ran,
    roles: roles.map(({ name }) => name),
  };
}

/** The live schema alone, as checkDrift looks at it. Reads only. */
export async function readLive(
  options: Pick<DriftOptions, "connectionString" | "directory" | "format" | "exclude" | "signal">,
): Promise<Fingerprint> {
  const { format } = await discoverHistory(options.directory, options.format);
  const exclude = [...options.exclude, ...baselineOf(format).schemas];
  return readOnly(sessionOptions(options), (session) => readFingerprint(session, { exclude }));
}

/** Opens the session in which a fingerprint is recorded or forgotten. Errors: DATABASE_POOLED, DATABASE_UNREACHABLE. */
export function openRecorder(options: Pick<DriftOptions, "connectionString" | "signal">): Promise<Session> {
  return openSession({ ...sessionOptions(options), direct: true });
}

function sessionOptions({ connectionString, signal }: Pick<DriftOptions, "connectionString" | "signal">) {
  return { connectionString, purpose: "verify", statementTimeoutMs: READ_TIMEOUT_MS, signal };
}

function versionNotes(live: Fingerprint, files: Fingerprint | undefined): string[] {
  if (files === undefined) return [];
  const [one, other] = [live, files].map(({ serverVersion }) => Math.floor(serverVersion / 10_000));
  if (one === other) return [];
  return [
    `the database is PostgreSQL ${one} and the scratch server ${other}: they may word the same definition differently`,
  ];
}

function matches(pattern: string, name: string): boolean {
  const parts = pattern.split("*").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join(".*")}$`, "s").test(name);
}
