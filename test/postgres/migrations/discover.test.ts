import { describe, expect, it } from "vitest";
import { digestMigrations, discoverMigrations } from "../../../src/postgres/migrations/discover.ts";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

async function inFolder(
  files: Record<string, string | Uint8Array>,
  work: (directory: string) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "tminus-discover-"));
  try {
    for (const [file, content] of Object.entries(files)) await writeFile(join(directory, file), content);
    await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const GOOD = "-- tminus: up\nselect 1;\n";

describe("discoverMigrations", () => {
  it("refuses a file with a zero byte, which no statement can hold", async () => {
    await inFolder({ "1_a.sql": `${GOOD}-- \0\n` }, async (directory) => {
      await expect(discoverMigrations(directory)).rejects.toMatchObject({
        code: "MIGRATION_INVALID",
        message: expect.stringContaining("1_a.sql:1: the file holds a zero byte") as string,
      });
    });
  });

  it("orders by the value of the timestamp and passes over other files", async () => {
    const files = {
      "20260101120000_b.sql": GOOD,
      "1700000000_a.sql": GOOD,
      "20260101130000_c.sql": GOOD,
      "README.md": "#",
    };
    await inFolder(files, async (directory) => {
      expect((await discoverMigrations(directory)).map(({ name }) => name)).toEqual(["a", "b", "c"]);
    });
  });

  it("reports what is wrong in every file at once", async () => {
    const files = {
      "1_a.sql": "select 1",
      "2_b.sql": GOOD,
      "002_c.sql": GOOD,
      "4_d.sql": new Uint8Array([0xff, 0xfe, 0x00]),
    };
    await inFolder(files, async (directory) => {
      const problems = await discoverMigrations(directory).catch((error: unknown) => error);
      expect(problems).toMatchObject({ code: "MIGRATION_INVALID" });
      const { message } = problems as Error;
      expect(message).toContain("1_a.sql:1: there is no line '-- tminus: up'");
      expect(message).toContain("has the same timestamp as");
      expect(message).toContain("4_d.sql:1: the file could not be read as UTF-8 text");
    });
  });

  it("does not take a missing folder for an empty one", async () => {
    await inFolder({}, async (directory) => {
      expect(await discoverMigrations(directory)).toEqual([]);
      await expect(discoverMigrations(join(directory, "gone"))).rejects.toMatchObject({
        code: "MIGRATION_INVALID",
      });
    });
  });

  it("gives another digest when a file is edited or renamed", async () => {
    const digestOf = async (files: Record<string, string>): Promise<string> => {
      let digest = "";
      await inFolder(
        files,
        async (directory) => void (digest = digestMigrations(await discoverMigrations(directory))),
      );
      return digest;
    };
    const digest = await digestOf({ "1_a.sql": GOOD });
    expect(await digestOf({ "1_a.sql": GOOD })).toBe(digest);
    expect(await digestOf({ "1_a.sql": `${GOOD}select 2;` })).not.toBe(digest);
    expect(await digestOf({ "1_b.sql": GOOD })).not.toBe(digest);
  });
});
