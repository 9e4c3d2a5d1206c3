import type { EventEmitter } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";
import type { MigrationDirectory, MigrationList, SchemaEngine } from "@prisma/schema-engine-wasm";

const NO_FILTERS = { externalTables: [], externalEnums: [] };

/** The real schema engine of Prisma (its WASM build), on one folder of migrations and one database. */
export interface PrismaEngine extends AsyncDisposable {
  diagnose(): Promise<{ pending: string[]; missing: string[]; edited: string[]; failed: string[] }>;
  /** What `prisma migrate deploy` does. */
  deploy(): Promise<{ ok: boolean; output: string }>;
  /** What `prisma migrate resolve` does. */
  resolve(how: "applied" | "rolled-back", migration: string): Promise<void>;
  /** Whether the database differs from a schema.prisma, as `prisma migrate diff --exit-code` finds out, and how. */
  diff(schema: string): Promise<{ differs: boolean; summary: string }>;
}

export async function openPrismaEngine(directory: string, url: string): Promise<PrismaEngine> {
  // Its advisory lock goes with the connection, which Prisma's own command ends at once.
  const pool = new pg.Pool({ connectionString: url, idleTimeoutMillis: 10 });
  pool.on("connect", markChar);
  const engine = await newEngine(pool);
  const list = (): Promise<MigrationList> => readMigrations(directory);
  return {
    async diagnose() {
      const found = await engine.diagnoseMigrationHistory({
        migrationsList: await list(),
        optInToShadowDatabase: false,
        filters: NO_FILTERS,
      });
      const { history } = found;
      return {
        pending:
          history !== null && "unappliedMigrationNames" in history ? history.unappliedMigrationNames : [],
        missing:
          history !== null && "unpersistedMigrationNames" in history ? history.unpersistedMigrationNames : [],
        edited: found.editedMigrationNames,
        failed: found.failedMigrationNames,
      };
    },
    async deploy() {
      try {
        const answer = await engine.applyMigrations({ migrationsList: await list(), filters: NO_FILTERS });
        return { ok: true, output: answer.appliedMigrationNames.join("\n") };
      } catch (error) {
        return { ok: false, output: error instanceof Error ? error.message : String(error) };
      }
    },
    async resolve(how, migrationName) {
      if (how === "applied")
        await engine.markMigrationApplied({ migrationName, migrationsList: await list() });
      else await engine.markMigrationRolledBack({ migrationName });
    },
    async diff(schema) {
      const files = [{ path: "schema.prisma", content: schema }];
      const { exitCode, stdout } = await engine.diff({
        from: { tag: "schemaDatamodel", files },
        to: { tag: "schemaDatasource", files, configDir: directory },
        script: false,
        exitCode: true,
        filters: NO_FILTERS,
      });
      return { differs: exitCode === 2, summary: stdout ?? "" };
    },
    async [Symbol.asyncDispose]() {
      engine.free();
      await pool.end();
    },
  };
}

/**
 * The adapter does not know the type "char" of the catalog, which the engine asks for when it describes a schema, and
 * wants to have as a character. It travels as money, which no catalog query answers.
 */
function markChar(client: pg.PoolClient): void {
  const { connection } = client as unknown as { connection: EventEmitter };
  connection.on("rowDescription", ({ fields }: { fields: pg.FieldDef[] }) => {
    for (const field of fields) if (field.dataTypeID === CHAR) field.dataTypeID = MONEY;
  });
}

/** OIDs of types. */
const CHAR = 18;
const MONEY = 790;
/** ColumnTypeEnum of the adapter. */
const NUMERIC = 4;
const CHARACTER = 6;

function withChar(factory: PrismaPg): PrismaPg {
  const connect = factory.connect.bind(factory);
  factory.connect = async () => {
    const adapter = await connect();
    const queryRaw = adapter.queryRaw.bind(adapter);
    adapter.queryRaw = async (query) => {
      const answer = await queryRaw(query);
      const columnTypes = answer.columnTypes.map((type: number) => (type === NUMERIC ? CHARACTER : type));
      return { ...answer, columnTypes } as typeof answer;
    };
    return adapter;
  };
  return factory;
}

async function newEngine(pool: pg.Pool): Promise<SchemaEngine> {
  const { SchemaEngine: Engine } = await (glue ??= loadGlue());
  const schema = 'datasource db {\n  provider = "postgresql"\n}\n';
  const factory = await errorCapturing(withChar(new PrismaPg(pool)));
  return Engine.new({ datamodels: [["schema.prisma", schema]] }, () => undefined, factory);
}

/** The generated glue keeps one WASM instance for everybody. */
let glue: Promise<Glue> | undefined;

/** Prisma's bundler does this; Node can run the generated glue when it is given the WASM module by hand. */
async function loadGlue(): Promise<Glue> {
  const name = "@prisma/schema-engine-wasm/schema_engine_bg";
  const imports = (await import(name)) as Glue;
  const wasm = await readFile(new URL("schema_engine_bg.wasm", import.meta.resolve(name)));
  const { instance } = await wasmOf(globalThis).instantiate(wasm, { "./schema_engine_bg.js": imports });
  imports.__wbg_set_wasm(instance.exports);
  (instance.exports.__wbindgen_start as () => void)();
  return imports;
}

type Exports = Record<string, unknown>;

interface Glue extends Record<string, unknown> {
  SchemaEngine: typeof SchemaEngine;
  __wbg_set_wasm(exports: Exports): void;
}

interface Wasm {
  instantiate(
    bytes: Uint8Array,
    imports: Record<string, Exports>,
  ): Promise<{ instance: { exports: Exports } }>;
}

/** The types of Node leave it out. */
function wasmOf(scope: object): Wasm {
  return (scope as { WebAssembly: Wasm }).WebAssembly;
}

/** The engine takes errors as values; the adapter's own dependency has the wrapper. */
async function errorCapturing(adapter: PrismaPg): Promise<object> {
  const utils = createRequire(import.meta.resolve("@prisma/adapter-pg")).resolve(
    "@prisma/driver-adapter-utils",
  );
  const module = (await import(pathToFileURL(utils).href)) as {
    bindMigrationAwareSqlAdapterFactory(factory: PrismaPg): object;
  };
  return module.bindMigrationAwareSqlAdapterFactory(adapter);
}

/** As Prisma's command line reads the folder: every folder in it, in the order of their names. */
async function readMigrations(directory: string): Promise<MigrationList> {
  const entries = await readdir(directory, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const migrationDirectories: MigrationDirectory[] = [];
  for (const path of folders.sort()) {
    const value = await readFile(join(directory, path, "migration.sql"), "utf8");
    migrationDirectories.push({
      path,
      migrationFile: { path: "migration.sql", content: { tag: "ok", value } },
    });
  }
  const content = 'provider = "postgresql"\n';
  return {
    baseDir: directory,
    lockfile: { path: "migration_lock.toml", content },
    shadowDbInitScript: "",
    migrationDirectories,
  };
}
