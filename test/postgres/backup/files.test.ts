import { readdir } from "node:fs/promises";
import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { compressor } from "../../../src/postgres/backup/compression.ts";
import { writeStream } from "../../../src/postgres/backup/files.ts";
import { backupDirectory } from "../../support/backup.ts";

describe("writing a file of a backup", () => {
  it("gives it its name only when all of it is there", async () => {
    await using directory = await backupDirectory();
    const seen: string[][] = [];
    async function* rows(): AsyncGenerator<Buffer> {
      yield Buffer.alloc(1_000_000);
      seen.push(await readdir(directory.path));
      yield Buffer.alloc(10);
    }
    await writeStream(directory.path, "rows", () => Readable.from(rows()), compressor(), undefined);
    expect(seen).toEqual([["rows.tmp"]]);
    expect(await readdir(directory.path)).toEqual(["rows"]);
  });

  it("leaves nothing when its rows fail", async () => {
    await using directory = await backupDirectory();
    async function* rows(): AsyncGenerator<Buffer> {
      yield Buffer.alloc(1_000_000);
      await Promise.resolve();
      throw new Error("the connection broke");
    }
    const writing = writeStream(directory.path, "rows", () => Readable.from(rows()), compressor(), undefined);
    await expect(writing).rejects.toThrow("the connection broke");
    expect(await readdir(directory.path)).toEqual([]);
  });
});
