import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { formatDuration } from "../../lib/duration.ts";
import { randomText } from "../../lib/id.ts";
import { lastLines } from "../../lib/output-tail.ts";
import { run } from "../../lib/process.ts";
import type { Observed } from "../../model/verdict.ts";
import { isReleaseName } from "./release-name.ts";

const MAX_OUTPUT_BYTES = 64 * 1024;
const NOTHING_DEPLOYED = 3;
/** Keeps stderr apart, so that a warning there is not taken for the release. */
const STDERR_ASIDE = 'exec "$@" 2>"$0"';

export interface StatusQuestion {
  argv: readonly string[];
  cwd: string;
  env: Record<string, string>;
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  /** Where stderr is kept meanwhile. */
  folder: string;
  redact: (text: string) => string;
}

/** Asks the status command once which release is live. Throws only the signal's reason. */
export async function askStatus(question: StatusQuestion): Promise<Observed<string>> {
  const errors = join(question.folder, `status-${randomText(10)}.stderr`);
  try {
    const ended = await run(["sh", "-c", STDERR_ASIDE, errors, ...question.argv], {
      cwd: question.cwd,
      env: question.env,
      timeoutMs: question.timeoutMs,
      maxOutputBytes: MAX_OUTPUT_BYTES,
      ...(question.signal === undefined ? {} : { signal: question.signal }),
    });
    if (ended.aborted) throw question.signal?.reason;
    if (ended.startError !== undefined)
      return unknown(`could not be started: ${question.redact(ended.startError)}`);
    if (ended.timedOut) return unknown(`did not answer within ${formatDuration(question.timeoutMs)}`);
    if (ended.exitCode === NOTHING_DEPLOYED) return { state: "absent" };
    if (ended.exitCode === 0) return releaseIn(ended.output, question.redact);
    const said = await lastLineOf(errors, question.redact);
    const end =
      ended.exitCode === undefined
        ? `was ended by ${ended.signalName ?? "a signal"}`
        : `ended with exit code ${ended.exitCode}`;
    return unknown(said === "" ? end : `${end}: ${said}`);
  } finally {
    await rm(errors, { force: true });
  }
}

/** The release that an answer names: all of it as JSON, or its last line, as JSON or as it is. */
function releaseIn(output: string, redact: (text: string) => string): Observed<string> {
  const [line = ""] = lastLines(output, 1);
  const text = line.trim();
  if (text === "") return unknown("printed nothing");
  const name = jsonRelease(output.trim()) ?? jsonRelease(text) ?? text;
  if (typeof name === "string" && isReleaseName(name)) return { state: "present", value: name };
  return unknown(`printed something that names no release: ${redact(text).slice(0, 100)}`);
}

/** Undefined when the text is not a JSON object; null when it is one without a release. */
function jsonRelease(text: string): string | null | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    const { release } = JSON.parse(text) as { release?: unknown };
    return typeof release === "string" ? release : null;
  } catch {
    return undefined; // not JSON, and no release name either
  }
}

async function lastLineOf(file: string, redact: (text: string) => string): Promise<string> {
  try {
    return lastLines(redact(await readFile(file, "utf8")), 1)[0] ?? "";
  } catch {
    return ""; // the line only illustrates that the status is unknown
  }
}

function unknown(how: string): Observed<string> {
  return { state: "unknown", reason: `the status command ${how}` };
}
