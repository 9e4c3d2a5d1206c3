import { existsSync } from "node:fs";
import { join } from "node:path";
import { readProjectFile } from "../project-file.ts";

/** Who installs the dependencies. yarn: version 1. berry: yarn from version 2 on. */
export type Manager = "npm" | "pnpm" | "yarn" | "berry";

export interface Lockfile {
  manager: Manager;
  /** Name of the file. */
  name: string;
}

const NAMES: readonly { name: string; manager: Manager }[] = [
  { name: "npm-shrinkwrap.json", manager: "npm" },
  { name: "package-lock.json", manager: "npm" },
  { name: "pnpm-lock.yaml", manager: "pnpm" },
  { name: "yarn.lock", manager: "yarn" },
];

/** Every lockfile of a folder; of npm's two only the one that npm reads. */
export function lockfilesIn(folder: string): Lockfile[] {
  const found = NAMES.filter(({ name }) => existsSync(join(folder, name)));
  return found
    .filter(({ manager }, index) => found.findIndex((other) => other.manager === manager) === index)
    .map(({ name, manager }) => ({ name, manager: manager === "yarn" ? yarnOf(folder, name) : manager }));
}

function yarnOf(folder: string, name: string): Manager {
  const read = readProjectFile(folder, name);
  return read.state === "read" && /^__metadata:/m.test(read.text) ? "berry" : "yarn";
}
