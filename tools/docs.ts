import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { buildProgram } from "../src/cli/program.ts";
import { runbookKinds } from "../src/compose.ts";
import { signalKinds } from "../src/compose/signal-kinds.ts";
import { gateKinds } from "../src/gates/registry.ts";
import { runbookJsonSchema } from "../src/runbook/json-schema.ts";
import { scmKinds } from "../src/providers/scms.ts";
import { targetKinds } from "../src/providers/targets.ts";
import { stepKinds } from "../src/steps/registry.ts";
import { checklistsPage } from "./checklists-page.ts";
import {
  cliPage,
  errorsPage,
  gatePage,
  lintRulesPage,
  scmPage,
  signalPage,
  stepPage,
  targetPage,
} from "./docs-pages.ts";

/** Folders in which every file is generated; others in them are left over from kinds that are gone. */
const OWN_FOLDERS = ["docs/steps", "docs/gates", "docs/targets", "docs/signals", "docs/scm", "docs/schema"];

const root = dirname(import.meta.dirname);
const known = await pages();
process.exitCode = process.argv.includes("--check") ? check() : write();

function write(): number {
  for (const [path, content] of known) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  for (const path of leftOver()) rmSync(join(root, path));
  return 0;
}

/** Names what is stale; 1 when anything is. */
function check(): number {
  const stale = [...known].filter(([path, content]) => read(path) !== content).map(([path]) => path);
  for (const path of [...stale, ...leftOver()]) process.stderr.write(`${path} is stale\n`);
  const isCurrent = stale.length === 0 && leftOver().length === 0;
  if (!isCurrent) process.stderr.write("Bring the docs up to date with: npm run docs\n");
  return isCurrent ? 0 : 1;
}

async function pages(): Promise<Map<string, string>> {
  const program = buildProgram(async () => undefined);
  return new Map([
    ["docs/cli.md", cliPage(program)],
    ["docs/errors.md", errorsPage()],
    ["docs/checklists.md", await checklistsPage(join(root, "examples/checklists"))],
    ["docs/database/lint-rules.md", lintRulesPage()],
    ["docs/schema/tminus.schema.json", `${JSON.stringify(runbookJsonSchema(runbookKinds), undefined, 2)}\n`],
    ...Object.values(stepKinds).map((kind): [string, string] => [
      `docs/steps/${kind.kind}.md`,
      stepPage(kind),
    ]),
    ...Object.values(gateKinds).map((kind): [string, string] => [
      `docs/gates/${kind.kind}.md`,
      gatePage(kind),
    ]),
    ...Object.entries(targetKinds).map(([kind, { schema }]): [string, string] => [
      `docs/targets/${kind}.md`,
      targetPage(kind, schema),
    ]),
    ...Object.entries(signalKinds).map(([name, kind]): [string, string] => [
      `docs/signals/${name}.md`,
      signalPage(name, kind),
    ]),
    ...Object.entries(scmKinds).map(([name, kind]): [string, string] => [
      `docs/scm/${name}.md`,
      scmPage(name, kind),
    ]),
  ]);
}

function leftOver(): string[] {
  return OWN_FOLDERS.flatMap((folder) => listIn(folder).map((name) => `${folder}/${name}`)).filter(
    (path) => !known.has(path),
  );
}

function read(path: string): string | undefined {
  try {
    return readFileSync(join(root, path), "utf8");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function listIn(folder: string): string[] {
  try {
    return readdirSync(join(root, folder));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
