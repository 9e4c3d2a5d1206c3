import { readOnly, type SessionOptions } from "../session/connect.ts";
import type { StoredBackup } from "./files.ts";
import { addContents, type BackupManifest, type BackupProof, type RowContent } from "./manifest.ts";
import { shareOut } from "./queue.ts";
import { readObjects } from "./restore.ts";
import { rangesOf, readContent, readRowSources, settleSession, type RowSource } from "./rows.ts";
import { readSchema, type SchemaReading } from "./schema/read-schema.ts";
import { readSequenceStates } from "./sequences.ts";

export interface Comparison extends Pick<
  BackupProof,
  "tables" | "rows" | "sequences" | "objects" | "objectsBy"
> {
  /** Version of the server that was looked at. */
  server: string;
  /** One line for each thing that is not as the backup says; empty when everything is. */
  differences: string[];
}

/**
 * Whether a restored database is what the backup says: objects, rows by number and content, sequences, validity
 * of constraints and indexes. Reads only. Errors: BACKUP_INVALID, DATABASE_UNREACHABLE.
 */
export async function compareRestored(
  backup: StoredBackup,
  options: SessionOptions & { jobs: number },
): Promise<Comparison> {
  const { manifest } = backup;
  const found = await readOnly(options, async (session) => {
    await settleSession(session);
    const versions = await session.query<{ version: string; major: number }>(
      "select current_setting('server_version') as version, current_setting('server_version_num')::int / 10000 as major",
    );
    return {
      server: versions[0]!,
      schema: await readSchema(session),
      sources: await readRowSources(session),
      sequences: await readSequenceStates(session),
    };
  });
  const contents = await readContents(found.sources, options);
  const objectsBy = found.server.major === manifest.server.major ? "definition" : "name";
  const objects = await compareObjects(backup, found.schema, objectsBy);
  return {
    server: found.server.version,
    tables: contents.size,
    rows: addContents([...contents.values()]).rows,
    sequences: found.sequences.length,
    objects: found.schema.objects.length,
    objectsBy,
    differences: [
      ...objects,
      ...compareTables(manifest, contents),
      ...compareSequences(manifest, found.sequences),
      ...found.schema.uncovered.filter((line) => line.startsWith("invalid index")),
    ],
  };
}

/** What the rows of each table add up to, read with several connections, of `snapshot` if one is exported. Reads only. */
export async function readContents(
  sources: readonly RowSource[],
  options: SessionOptions & { jobs: number; snapshot?: string },
): Promise<Map<string, RowContent>> {
  const parts = sources.flatMap((source) => rangesOf(source).map((range) => ({ source, range })));
  const contents = new Map<string, RowContent>(sources.map(({ name }) => [name, addContents([])]));
  await shareOut(parts, options.jobs, options.signal, (signal, takeAll) =>
    readOnly({ ...options, signal }, async (session) => {
      if (options.snapshot !== undefined)
        await session.query(`set transaction snapshot '${options.snapshot}'`);
      await settleSession(session);
      await takeAll(async ({ source, range }) => {
        const content = await readContent(session, source, range);
        contents.set(source.name, addContents([contents.get(source.name)!, content]));
      });
    }),
  );
  return contents;
}

async function compareObjects(
  backup: StoredBackup,
  { objects }: SchemaReading,
  by: Comparison["objectsBy"],
): Promise<string[]> {
  const restored = new Map(objects.map(({ key, sql }) => [key, sql.join(";\n")]));
  const differences: string[] = [];
  for (const { key, sql } of await readObjects(backup)) {
    const made = restored.get(key);
    restored.delete(key);
    if (made === undefined) differences.push(`${key} is missing`);
    else if (by === "definition" && made !== sql.join(";\n")) differences.push(`${key} is defined otherwise`);
  }
  return [...differences, ...[...restored.keys()].map((key) => `${key} is not in the backup`)];
}

function compareTables(manifest: BackupManifest, contents: ReadonlyMap<string, RowContent>): string[] {
  const differences: string[] = [];
  const expected = new Map(manifest.tables.map(({ name, content }) => [name, content]));
  for (const name of manifest.excluded) expected.set(name, addContents([]));
  for (const [name, { rows, sum, xor }] of expected) {
    const content = contents.get(name);
    if (content === undefined) differences.push(`table ${name} is missing`);
    else if (content.rows !== rows) differences.push(`${name} has ${content.rows} rows instead of ${rows}`);
    else if (content.sum !== sum || content.xor !== xor)
      differences.push(`the rows of ${name} have another content`);
  }
  const unknown = [...contents.keys()].filter((name) => !expected.has(name));
  return [...differences, ...unknown.map((name) => `the backup says nothing of the rows of ${name}`)];
}

function compareSequences(manifest: BackupManifest, sequences: BackupManifest["sequences"]): string[] {
  const found = new Map(sequences.map((sequence) => [sequence.name, sequence]));
  const names = new Set([...manifest.sequences, ...sequences].map(({ name }) => name));
  const expected = new Map(manifest.sequences.map((sequence) => [sequence.name, sequence]));
  return [...names].flatMap((name) => {
    const [one, other] = [expected.get(name), found.get(name)];
    if (one === undefined) return [`the backup says nothing of sequence ${name}`];
    if (other === undefined) return [`sequence ${name} is missing`];
    if (one.lastValue !== other.lastValue || one.isCalled !== other.isCalled) {
      return [`sequence ${name} stands at ${other.lastValue} instead of ${one.lastValue}`];
    }
    if (one.behind !== other.behind)
      return [`sequence ${name} would hand out values that its column already has`];
    return [];
  });
}
