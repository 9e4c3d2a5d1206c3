import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { TminusError } from "../../errors.ts";

export interface Detected {
  project: string;
  /** Commands that must succeed before a release, with the script they came from. */
  gates: { id: string; title: string; run: string[] }[];
  /** Command that starts the application. */
  start: string[];
  /** Folder of plain SQL migrations, when there is one. */
  migrations?: string;
  isGit: boolean;
  /** Why each part of the runbook is there. */
  reasons: { what: string; why: string }[];
}

const GATE_SCRIPTS: readonly [string, string][] = [
  ["typecheck", "Types"],
  ["types", "Types"],
  ["lint", "Lint"],
  ["test", "Tests"],
  ["build", "Build"],
];

const MIGRATION_FOLDERS = ["migrations", "db/migrations", "database/migrations"];
const FOREIGN_MIGRATIONS: readonly [string, string][] = [
  ["prisma/schema.prisma", "Prisma"],
  ["supabase/migrations", "Supabase"],
];

/** Looks at the files of a folder and nothing else. Errors: USAGE_INVALID for a package.json that is not JSON. */
export async function detect(directory: string): Promise<Detected> {
  const { name, scripts } = await readPackage(join(directory, "package.json"));
  const reasons: Detected["reasons"] = [];
  const project = projectName(name ?? basename(directory));
  reasons.push({
    what: `project: ${project}`,
    why: name === undefined ? "the folder is called so" : "package.json is named so",
  });

  const gates = GATE_SCRIPTS.filter(([script]) => script in scripts).map(([script, title]) => {
    reasons.push({ what: `gate ${script}`, why: `package.json has a script "${script}"` });
    return { id: script, title, run: ["npm", "run", script] };
  });
  const isGit = existsSync(join(directory, ".git"));
  if (isGit) reasons.push({ what: "gate clean", why: "the folder is a git repository" });

  const migrations = MIGRATION_FOLDERS.find((folder) => existsSync(join(directory, folder)));
  if (migrations !== undefined)
    reasons.push({ what: "stage database", why: `there is a folder ${migrations}` });
  for (const [path, tool] of FOREIGN_MIGRATIONS) {
    if (!existsSync(join(directory, path))) continue;
    reasons.push({
      what: "no migration step",
      why: `${path} belongs to ${tool}; add a command step that runs its tool`,
    });
  }
  const hasStart = "start" in scripts;
  const start = hasStart ? ["npm", "start"] : ["node", "server.mjs"];
  reasons.push({
    what: `command: ${start.join(" ")}`,
    why: hasStart ? 'package.json has a script "start"' : "no start script was found: put yours here",
  });
  return { project, gates, start, isGit, reasons, ...(migrations === undefined ? {} : { migrations }) };
}

async function readPackage(path: string): Promise<{ name?: string; scripts: object }> {
  if (!existsSync(path)) return { scripts: {} };
  try {
    const parsed: unknown = JSON.parse(await readFile(path, "utf8"));
    const { name, scripts } = (typeof parsed === "object" && parsed !== null ? parsed : {}) as {
      name?: unknown;
      scripts?: unknown;
    };
    return {
      scripts: typeof scripts === "object" && scripts !== null ? scripts : {},
      ...(typeof name === "string" && name !== "" ? { name } : {}),
    };
  } catch (error) {
    throw new TminusError("USAGE_INVALID", `package.json could not be read: ${String(error)}`, {
      hint: "Repair package.json, then run tminus init again.",
      cause: error,
    });
  }
}

/** "@acme/shop web" as an id that a runbook allows. */
function projectName(name: string): string {
  const bare = name
    .replace(/^@[^/]*\//, "")
    .replaceAll(/[^A-Za-z0-9_-]+/g, "-")
    .replace(/^[^A-Za-z]+/, "");
  return bare.slice(0, 64) || "project";
}
