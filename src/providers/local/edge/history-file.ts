import { appendFile, mkdir, readdir, readFile, unlink } from "node:fs/promises";
import { join } from "node:path";
import { columnsVersion } from "./columns.ts";
import { spanMs, type ClosedSpan } from "./span-history.ts";
import { lineOf, spanOf } from "./span-line.ts";

const HOUR_MS = 3_600_000;
const KEPT_MS = 24 * HOUR_MS;
const SUFFIX = `.${columnsVersion}.jsonl`;

/**
 * The closed spans on disk, one file an hour, one line a span: what an edge that was killed still knows when it is
 * started again. Lines are appended without a sync, so a power failure may take the last ones. One process at a time
 * writes.
 */
export class HistoryFile {
  readonly #folder: string;
  readonly #log: (text: string) => void;
  #writing: Promise<void> = Promise.resolve();
  #hour = "";
  #failure = "";

  constructor(folder: string, log: (text: string) => void) {
    this.#folder = folder;
    this.#log = log;
  }

  /** The spans of the last 24 h, in the order in which they were written. */
  async load(nowMs: number): Promise<ClosedSpan[]> {
    const spans: ClosedSpan[] = [];
    for (const name of await this.#names()) {
      if (!name.endsWith(SUFFIX)) continue;
      for (const line of (await readFile(join(this.#folder, name), "utf8")).split("\n")) {
        const span = parse(line);
        if (span === undefined) continue;
        const endMs = (span.index + 1) * spanMs;
        if (endMs > nowMs - KEPT_MS && endMs <= nowMs) spans.push(span);
      }
    }
    return spans;
  }

  /** Never throws: a span that cannot be stored is told in the log, once for each reason. */
  append(span: ClosedSpan): void {
    this.#writing = this.#writing
      .then(() => this.#appendNow(span))
      .then(() => void (this.#failure = ""))
      .catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        if (reason !== this.#failure) this.#log(`the history cannot be stored: ${reason}`);
        this.#failure = reason;
      });
  }

  /** Resolves when all is written. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  async #appendNow(span: ClosedSpan): Promise<void> {
    const hour = hourOf(span.index * spanMs);
    if (hour !== this.#hour) {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      await this.#removeBefore(hourOf(span.index * spanMs - KEPT_MS - HOUR_MS));
      this.#hour = hour;
    }
    // the line break comes first: it ends what a killed process had begun to write
    await appendFile(join(this.#folder, hour + SUFFIX), `\n${JSON.stringify(lineOf(span))}`, { mode: 0o600 });
  }

  async #removeBefore(hour: string): Promise<void> {
    const old = (await this.#names()).filter((name) => name < hour);
    await Promise.all(old.map((name) => unlink(join(this.#folder, name))));
  }

  /** In order of time. */
  async #names(): Promise<string[]> {
    try {
      return (await readdir(this.#folder)).filter((name) => name.endsWith(".jsonl")).toSorted();
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
      throw error;
    }
  }
}

/** Undefined for a line that was not written to its end. */
function parse(line: string): ClosedSpan | undefined {
  if (line === "") return undefined;
  try {
    return spanOf(JSON.parse(line));
  } catch {
    return undefined; // unknown, like a span that was never written
  }
}

function hourOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 13);
}
