import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { freshDatabase } from "./support/database.ts";
import { loadedBy } from "./support/loaded-modules.ts";

/** What the driver of Postgres consists of. */
const DRIVER =
  /^(pg|pg-connection-string|pg-int8|pg-pool|pg-protocol|pg-types|postgres-(array|bytea|date|interval)|xtend)$/;

/**
 * Of the database room what the declarations of the kinds are made of: settings, words, and files of migrations as
 * text. What parses SQL, asks or changes a database is imported inside the functions that do so.
 */
const DECLARATIONS = [
  /^postgres\/session\//,
  /^postgres\/sql\/(names|scan-sql|statements|table)\.ts$/,
  /^postgres\/migrations\/history\/(native|prisma|registry|supabase)\.ts$/,
  /^postgres\/migrations\/(check-statement|discover|migration|migration-risk|own-transaction)\.ts$/,
  /^postgres\/migrations\/(parse-foreign|parse-migration|run-statement|same-script|statement-groups|unfinished)\.ts$/,
  /^postgres\/lint\/(command-lint|finding|report\/text)\.ts$/,
  /^postgres\/diagnose\/(health|pool|session-facts|signals)\.ts$/,
  /^postgres\/drift\/(drift-text|settings)\.ts$/,
  /^postgres\/rls\/(attempt|probe-table|settings|verbs)\.ts$/,
  /^postgres\/(backup\/words|backfill\/backfill)\.ts$/,
];

/** Every command and worker pays for what it loads: a tenth of a second is soon there. */
describe("what a command loads", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "tminus-loading-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("is the declarations of the commands, for help", async () => {
    const { exitCode, own, packages } = await loadedBy(["--help"], folder);
    expect(exitCode).toBe(0);
    expect(packages).toEqual(["commander"]);
    expect(own).toContain("cli/program.ts");
    expect(own.filter((file) => file.startsWith("cli/commands/"))).toEqual([]);
    expect(roomsOf(own)).toEqual(["cli", "lib", "model", "report", "runbook"]);
  });

  it("is the kinds of steps and gates without what they do, for what reads a runbook", async () => {
    await using cleanUp = new AsyncDisposableStack();
    const database = await freshDatabase();
    cleanUp.defer(() => database.drop());
    copyFileSync(resolve(import.meta.dirname, "../examples/shop/tminus.yaml"), join(folder, "tminus.yaml"));
    const environment = { TMINUS_DATABASE_URL: database.url, TMINUS_START_WORKER: "0" };
    // The first command prepares the state database, for which it loads the durable engine.
    await loadedBy(["status"], folder, environment);
    const { exitCode, output, own, packages } = await loadedBy(["status"], folder, environment);
    expect(exitCode, output).toBe(0);
    expect(own).toContain("steps/db-migrate.ts");
    expect(packages.filter((name) => !DRIVER.test(name))).toEqual([
      "canonicalize",
      "commander",
      "fastest-levenshtein",
      "jsonpath-rfc9535",
      "yaml",
      "zod",
    ]);
    expect(roomsOf(own)).not.toContain("engine");
    expect(roomsOf(own)).not.toContain("demo");
    const ofPostgres = own.filter((file) => file.startsWith("postgres/"));
    expect(ofPostgres.filter((file) => !DECLARATIONS.some((pattern) => pattern.test(file)))).toEqual([]);
  });

  it("is the linter, for linting", async () => {
    mkdirSync(join(folder, "migrations"));
    writeFileSync(join(folder, "migrations/20240101000000_users.sql"), "-- tminus: up\nselect 1;\n");
    const { exitCode, output, own, packages } = await loadedBy(["db", "lint", "--dir", "migrations"], folder);
    expect(exitCode, output).toBe(0);
    expect(own).toContain("postgres/lint/registry.ts");
    expect(packages.filter((name) => !DRIVER.test(name))).toEqual([
      "@pgsql/quotes",
      "@pgsql/types",
      "canonicalize",
      "commander",
      "libpg-query",
      "pgsql-deparser",
    ]);
    expect(roomsOf(own)).toEqual(["cli", "compose", "lib", "model", "postgres", "report", "runbook"]);
    const room = own.filter((file) => file.startsWith("postgres/"));
    expect(room.filter((file) => !/^postgres\/(lint|sql|migrations|session)\//.test(file))).toEqual([]);
  });
});

/** Names of the folders. */
function roomsOf(files: readonly string[]): string[] {
  return [...new Set(files.flatMap((file) => (file.includes("/") ? [file.split("/")[0]!] : [])))].toSorted();
}
