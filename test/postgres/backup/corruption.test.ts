import { readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasCode } from "../../../src/errors.ts";
import { canonicalJson, sha256 } from "../../../src/lib/hash.ts";
import { checkFiles, filesOf, readBackup } from "../../../src/postgres/backup/files.ts";
import {
  addContents,
  manifestText,
  sealManifest,
  type BackupManifest,
} from "../../../src/postgres/backup/manifest.ts";
import { proveBackup } from "../../../src/postgres/backup/prove.ts";
import { schemaScript, type BackupObject } from "../../../src/postgres/backup/schema/script.ts";
import { backupDirectory, backupLimits, dumpForTest, runSql, testScratch } from "../../support/backup.ts";
import { freshDatabase, type FreshDatabase } from "../../support/database.ts";

const CORRUPTIONS = 1000;
const SEED = 20_260_101;

let source: FreshDatabase;
let directory: Awaited<ReturnType<typeof backupDirectory>>;
let folder: string;
let manifest: BackupManifest;

beforeAll(async () => {
  source = await freshDatabase();
  directory = await backupDirectory();
  await runSql(
    source.url,
    `create table people (id bigint generated always as identity primary key, name text not null, mood text);
     create table notes (id serial primary key, person bigint references people, text jsonb, at timestamptz default now());
     create table empty (a int); create index notes_person on notes (person);
     insert into people (name, mood) select 'name ' || g, md5(g::text) from generate_series(1, 400) g;
     insert into notes (person, text) select 1 + g % 400, jsonb_build_object('n', g) from generate_series(1, 900) g`,
  );
  ({ folder } = await dumpForTest(source.url, directory.path));
  // Its proof is damaged, too.
  ({ manifest } = await proveBackup(folder, { ...backupLimits, scratch: testScratch }));
});
afterAll(async () => {
  await directory[Symbol.asyncDispose]();
  await source.drop();
});

describe("a damaged backup", () => {
  it(`is seen without a restore after each of ${CORRUPTIONS} truncations and bit flips, and the file is named`, async () => {
    const random = randomFrom(SEED);
    const files = ["manifest.json", ...filesOf(manifest).map(({ file }) => file)];
    const counts = { truncations: 0, bitFlips: 0, detected: 0 };
    const missed: string[] = [];
    for (let count = 0; count < CORRUPTIONS; count++) {
      const file = files[Math.floor(random() * files.length)]!;
      const path = join(folder, file);
      const original = await readFile(path);
      let what: string;
      if (random() < 0.5) {
        const length = Math.floor(random() * original.length);
        await truncate(path, length);
        what = `${file} cut to ${length} bytes`;
        counts.truncations++;
      } else {
        const bit = Math.floor(random() * original.length * 8);
        const damaged = Buffer.from(original);
        damaged[bit >> 3]! ^= 1 << (bit & 7);
        await writeFile(path, damaged);
        what = `${file} with bit ${bit} flipped`;
        counts.bitFlips++;
      }
      const seen = await damageOf(folder);
      if (seen?.includes(file) === true) counts.detected++;
      else missed.push(`${what}: ${seen ?? "not seen"}`);
      await writeFile(path, original);
    }
    process.stdout.write(`corruptions: ${JSON.stringify(counts)}\n`);
    expect(missed).toEqual([]);
    expect(counts.detected).toBe(CORRUPTIONS);
    expect(await damageOf(folder)).toBeUndefined();
  });

  it("is seen when a file is missing", async () => {
    const { file } = filesOf(manifest).at(-1)!;
    const original = await readFile(join(folder, file));
    await rm(join(folder, file));
    expect(await damageOf(folder)).toContain(`${file}: it is missing`);
    await writeFile(join(folder, file), original);
  });
});

describe("a backup that lies", () => {
  const lies: { name: string; lie: (content: Content, objects: BackupObject[]) => void; seen: RegExp }[] = [
    {
      name: "a table is lost",
      lie: (content) => (content.tables = content.tables.filter(({ name }) => name !== "public.people")),
      seen: /notes_person_fkey|nothing of the rows of public\.people/,
    },
    {
      name: "an empty table is lost",
      lie: (content) => (content.tables = content.tables.filter(({ name }) => name !== "public.empty")),
      seen: /the backup says nothing of the rows of public\.empty/,
    },
    {
      name: "a table has fewer rows than it says",
      lie: (content) => tableOf(content, "public.notes").content.rows++,
      seen: /public\.notes has 900 rows instead of 901/,
    },
    {
      name: "rows have another content than it says",
      lie: (content) => (tableOf(content, "public.notes").content.xor = "12345"),
      seen: /the rows of public\.notes have another content/,
    },
    {
      name: "a part has fewer rows than it says",
      lie: (content) => {
        const table = tableOf(content, "public.notes");
        table.parts[0]!.content.rows++;
      },
      seen: /00001-0000\.binary\.\w+: it has 900 rows; the manifest says 901/,
    },
    {
      name: "all rows of a table are lost",
      lie: (content) => {
        const table = tableOf(content, "public.notes");
        table.parts = [];
      },
      seen: /public\.notes has 0 rows instead of 900/,
    },
    {
      name: "the rows of one table are in another",
      lie: (content) => (tableOf(content, "public.notes").parts = tableOf(content, "public.people").parts),
      seen: /cannot be restored|another content|rows instead of/,
    },
    {
      name: "a sequence is stale",
      lie: (content) =>
        (content.sequences.find(({ name }) => name === "public.notes_id_seq")!.lastValue = "10"),
      seen: /sequence public\.notes_id_seq would hand out values that its column already has/,
    },
    {
      name: "a sequence is lost",
      lie: (content) => (content.sequences = content.sequences.slice(1)),
      seen: /the backup says nothing of sequence public\./,
    },
    {
      name: "a constraint is lost",
      lie: (_content, objects) =>
        objects.splice(
          objects.findIndex(({ key }) => key.includes("notes_person_fkey")),
          1,
        ),
      seen: /schema\.sql: it does not say the same as schema\.json/,
    },
    {
      name: "a statement is another",
      lie: (_content, objects) => {
        const index = objects.find(({ key }) => key === "index public.notes_person")!;
        index.sql = index.sql.map((sql) => sql.replace("(person)", "(at)"));
      },
      seen: /schema\.sql: it does not say the same as schema\.json/,
    },
    {
      name: "the database says a statement otherwise",
      lie: (content, objects) => {
        const index = objects.find(({ key }) => key === "index public.notes_person")!;
        index.sql = index.sql.map((sql) => `${sql} where null`);
        content.script = { ...content.script, ...measure(schemaScript(objects)) };
        scripts.set(content, schemaScript(objects));
      },
      seen: /index public\.notes_person is defined otherwise/,
    },
  ];
  const scripts = new Map<Content, string>();

  it.each(lies)("is seen when restored: $name", async ({ lie, seen }) => {
    const [schema, script] = await Promise.all(
      ["schema.json", "schema.sql"].map((file) => readFile(join(folder, file), "utf8")),
    );
    const { hash: _, proof: __, ...content } = structuredClone(manifest);
    const objects = JSON.parse(schema!) as BackupObject[];
    lie(content, objects);
    const text = `${canonicalJson(objects)}\n`;
    content.schema = { ...content.schema, ...measure(text) };
    content.objects = objects.length;
    await writeFile(join(folder, "schema.json"), text);
    await writeFile(join(folder, "schema.sql"), scripts.get(content) ?? script!);
    await writeFile(join(folder, "manifest.json"), manifestText(sealManifest(content)));
    try {
      await checkFiles(await readBackup(folder));
      const proving = proveBackup(folder, { ...backupLimits, scratch: testScratch });
      await expect(proving).rejects.toThrow(seen);
      expect((await readBackup(folder)).manifest.proof).toBeUndefined();
    } finally {
      await writeFile(join(folder, "schema.json"), schema!);
      await writeFile(join(folder, "schema.sql"), script!);
      await writeFile(join(folder, "manifest.json"), manifestText(manifest));
    }
  });

  it("is refused with the reason when it is of another format", async () => {
    const text = await readFile(join(folder, "manifest.json"), "utf8");
    await writeFile(join(folder, "manifest.json"), text.replace('"format":2', '"format":1'));
    try {
      await expect(readBackup(folder)).rejects.toThrow(
        "manifest.json: it is of format 1, and this tminus reads format 2: make a new backup",
      );
    } finally {
      await writeFile(join(folder, "manifest.json"), text);
    }
  });

  it("is seen when it is not the one that was written", async () => {
    const options = { ...backupLimits, scratch: testScratch, manifestHash: sha256("another") };
    await expect(proveBackup(folder, options)).rejects.toThrow(/not the one that was written/);
  });

  it("adds up the contents of its parts whatever their order", () => {
    const parts = manifest.tables.flatMap(({ parts: own }) => own.map(({ content }) => content));
    expect(addContents(parts)).toEqual(addContents(parts.toReversed()));
  });
});

type Content = Omit<BackupManifest, "hash" | "proof">;

function tableOf(content: Content, name: string): Content["tables"][number] {
  return content.tables.find((table) => table.name === name)!;
}

function measure(text: string): { bytes: number; sha256: string } {
  return { bytes: Buffer.byteLength(text), sha256: sha256(text) };
}

/** What is said of a backup whose files are looked at; undefined when nothing is wrong. */
async function damageOf(path: string): Promise<string | undefined> {
  try {
    await checkFiles(await readBackup(path));
    return undefined;
  } catch (error) {
    if (hasCode(error, "BACKUP_INVALID")) return error.message;
    throw error;
  }
}

/** Mulberry32: the same numbers for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
