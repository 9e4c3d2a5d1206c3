// Makes a fresh clone runnable: installs the locked dependencies when they are missing or older than the
// lock file.
// Plain JavaScript without dependencies, because it runs on whatever Node (20 or newer) the machine has.
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [major] = process.versions.node.split(".").map(Number);
if (major < 20) fail(`Node ${process.versions.node} is too old: Node 20 or newer is needed.`);

if (isInstallNeeded()) {
  process.stderr.write("tminus: installing dependencies (npm ci), about 20 seconds …\n");
  // Run npm's own script with this Node: inside an npm script PATH may already point elsewhere.
  const npm = process.env.npm_execpath;
  const [command, args] = npm ? [process.execPath, [npm]] : ["npm", []];
  const result = spawnSync(command, [...args, "ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (result.status !== 0) fail("npm ci failed; see the lines above.");
}

function isInstallNeeded() {
  const installed = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(installed)) return true;
  return statSync(installed).mtimeMs < statSync(join(root, "package-lock.json")).mtimeMs;
}

function fail(message) {
  process.stderr.write(`tminus: ${message}\n`);
  process.exit(1);
}
