import { existsSync, globSync, mkdtempSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { buildConsole } from "../../../tools/web/build-console.ts";

const root = join(import.meta.dirname, "../../..");
const dist = join(root, "web/dist");

/** Builds the console where the server looks for it, unless it is newer than everything that it is made of. */
export async function builtConsole(): Promise<void> {
  const sources = globSync(["web/**/*.{ts,tsx,css,html,svg}", "src/{report,model,lib}/**/*.ts"], {
    cwd: root,
  });
  const newestMs = Math.max(
    ...sources
      .filter((file) => !file.startsWith("web/dist"))
      .map((file) => statSync(join(root, file)).mtimeMs),
  );
  const built = join(dist, "index.html");
  if (existsSync(built) && statSync(built).mtimeMs > newestMs) return;
  // Beside others who build or serve it, there is always a whole one.
  const made = mkdtempSync(join(root, "web/dist-"));
  const old = mkdtempSync(join(root, "web/dist-"));
  await buildConsole(made);
  if (existsSync(dist)) renameSync(dist, join(old, "dist"));
  renameSync(made, dist);
  rmSync(old, { recursive: true });
}
