import { cp, copyFile, symlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import { run } from "../../src/lib/process.ts";

const BUILD_TIMEOUT_MS = 60_000;
const root = resolve(import.meta.dirname, "../..");

/**
 * Builds the package as it is published into `folder` and returns the path of its program: compiled, with
 * the files that the compiler leaves behind, and beside the same dependencies.
 */
export async function buildPublishedForm(folder: string, signal: AbortSignal): Promise<string> {
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  const dist = join(folder, "dist");
  const argv = [process.execPath, compiler, "-p", join(root, "tsconfig.build.json"), "--outDir", dist];
  const built = await run(argv, { timeoutMs: BUILD_TIMEOUT_MS, signal });
  signal.throwIfAborted();
  if (built.exitCode !== 0) throw new Error(`the build failed: ${built.startError ?? built.output}`);
  await cp(join(root, "src"), dist, {
    recursive: true,
    filter: (path) => !path.endsWith(".ts"),
  });
  await copyFile(join(root, "package.json"), join(folder, "package.json"));
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  return join(dist, "cli/main.js");
}
