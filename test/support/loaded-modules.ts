import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "../../src/lib/process.ts";

const root = resolve(import.meta.dirname, "../..");

/** Runs before the program in its process, and writes down the address of every module that is loaded. */
const RECORDER = `
import { appendFileSync } from "node:fs";
import { registerHooks } from "node:module";
registerHooks({
  load(url, context, next) {
    appendFileSync(process.env.LOADED_MODULES, url + "\\n");
    return next(url, context);
  },
});
`;

export interface LoadedModules {
  exitCode: number | undefined;
  output: string;
  /** Files of src/ as paths below it. */
  own: string[];
  /** Names of packages. */
  packages: string[];
}

/** What a command line loads, from its start to its end. */
export async function loadedBy(
  args: readonly string[],
  cwd: string,
  environment: Record<string, string> = {},
): Promise<LoadedModules> {
  const folder = mkdtempSync(join(tmpdir(), "tminus-loaded-"));
  try {
    const list = join(folder, "modules");
    const recorder = `data:text/javascript,${encodeURIComponent(RECORDER)}`;
    const { exitCode, output } = await run(
      [process.execPath, "--import", recorder, join(root, "src/cli/main.ts"), ...args],
      {
        cwd,
        env: { PATH: process.env.PATH ?? "", HOME: folder, ...environment, LOADED_MODULES: list },
        timeoutMs: 60_000,
      },
    );
    const paths = readFileSync(list, "utf8")
      .split("\n")
      .filter((url) => url.startsWith("file:"))
      .map((url) => relative(root, fileURLToPath(url)));
    return {
      exitCode,
      output,
      own: paths.flatMap((path) => (path.startsWith("src/") ? [path.slice("src/".length)] : [])),
      packages: [...new Set(paths.flatMap(packageOf))].toSorted(),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function packageOf(path: string): string[] {
  const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1];
  return name === undefined ? [] : [name];
}
