import { open, readFile, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { sha256 } from "../../lib/hash.ts";

const recordSchema = z.object({
  key: z.string(),
  /** Unique name, derived from release and key. */
  instance: z.string(),
  release: z.string(),
  host: z.string(),
  port: z.number(),
  /** When `stage` was first called, in epoch milliseconds; orders the instances. */
  stagedAtMs: z.number(),
  /** Absent until it is known that the process was started. */
  process: z.object({ pid: z.number(), startedAt: z.string() }).optional(),
});

/** What is known of one instance; written before its process is started. */
export type InstanceRecord = z.output<typeof recordSchema>;

/** One durable file an instance, so that two controllers never overwrite each other's. */
export class InstanceStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async read(key: string): Promise<InstanceRecord | undefined> {
    return this.#parse(this.#file(key));
  }

  /** All records, the newest first. */
  async list(): Promise<InstanceRecord[]> {
    const names = (await readdir(this.#folder)).filter((name) => name.endsWith(".json"));
    const records = await Promise.all(names.map((name) => this.#parse(join(this.#folder, name))));
    return records
      .filter((record) => record !== undefined)
      .sort((a, b) => b.stagedAtMs - a.stagedAtMs || (a.instance < b.instance ? 1 : -1));
  }

  /** Durable when it resolves. */
  async write(record: InstanceRecord): Promise<void> {
    const file = this.#file(record.key);
    const temporary = `${file}.${process.pid}.tmp`;
    {
      await using handle = await open(temporary, "w", 0o600);
      await handle.writeFile(JSON.stringify(record));
      await handle.sync();
    }
    await rename(temporary, file);
    await this.#syncFolder();
  }

  async remove(key: string): Promise<void> {
    await rm(this.#file(key), { force: true });
    await this.#syncFolder();
  }

  #file(key: string): string {
    return join(this.#folder, `${sha256(key).slice(0, 32)}.json`);
  }

  async #parse(file: string): Promise<InstanceRecord | undefined> {
    try {
      return recordSchema.parse(JSON.parse(await readFile(file, "utf8")));
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw error;
    }
  }

  async #syncFolder(): Promise<void> {
    await using folder = await open(this.#folder, "r");
    await folder.sync();
  }
}
