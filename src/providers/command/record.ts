import { open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import * as z from "zod";
import { TminusError } from "../../errors.ts";

const stageSchema = z.object({
  release: z.string(),
  /** What was live when the command was begun; null for nothing. */
  before: z.string().nullable(),
  begunAtMs: z.number(),
  /**
   * "begun": the command runs, or was to be started. "interrupted": it is over, and nobody saw how it ended.
   */
  state: z.enum(["begun", "deployed", "failed", "interrupted"]),
});

const runningSchema = z.object({
  /** Names the command's files. */
  id: z.string(),
  verb: z.enum(["deploy", "rollback", "retire"]),
  release: z.string(),
  /** The step's key, for a deploy. */
  key: z.string().optional(),
  startedAtMs: z.number(),
  limitMs: z.number(),
  /** Absent until it is known; before that the command does not begin. */
  process: z.object({ pid: z.number(), startedAt: z.string() }).optional(),
});

const recordSchema = z.object({
  version: z.literal(1),
  /** The newest fencing token seen. */
  fence: z.number(),
  /** Grows with each command that may have changed what is live. */
  generation: z.number(),
  /** Releases deployed here and not retired, oldest first. */
  releases: z.array(z.string()),
  /** By key. */
  stages: z.record(z.string(), stageSchema),
  running: runningSchema.optional(),
  /** What the last command should have made live, until status has said so or has clearly not. */
  expected: z.string().optional(),
});

export type StageRecord = z.output<typeof stageSchema>;
export type RunningCommand = z.output<typeof runningSchema>;
/** What the target remembers of its own doing; what is live is only ever asked. */
export type TargetRecord = z.output<typeof recordSchema>;

const MAX_STAGES = 50;
const MAX_RELEASES = 100;

const emptyRecord: TargetRecord = { version: 1, fence: 0, generation: 0, releases: [], stages: {} };

/** The record in the file, the empty one when there is none. Throws TARGET_UNREACHABLE when it cannot be read. */
export async function readRecord(file: string): Promise<TargetRecord> {
  try {
    return recordSchema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return emptyRecord;
    throw new TminusError("TARGET_UNREACHABLE", `${file} cannot be read, so it is not known what was begun`, {
      hint: `Make sure that no deploy command is running, then move ${file} away.`,
      cause: error,
    });
  }
}

/** Replaces the record, whole and durable when it resolves. The oldest stages and releases are forgotten. */
export async function writeRecord(file: string, record: TargetRecord): Promise<void> {
  const stages = Object.entries(record.stages)
    .sort(([, one], [, other]) => other.begunAtMs - one.begunAtMs)
    .slice(0, MAX_STAGES);
  const kept = {
    ...record,
    releases: record.releases.slice(-MAX_RELEASES),
    stages: Object.fromEntries(stages),
  };
  const temporary = `${file}.${process.pid}.tmp`;
  {
    await using handle = await open(temporary, "w", 0o600);
    await handle.writeFile(JSON.stringify(kept));
    await handle.sync();
  }
  await rename(temporary, file);
  await using folder = await open(dirname(file), "r");
  await folder.sync();
}
