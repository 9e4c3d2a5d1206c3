import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run, type RunResult } from "../src/lib/process.ts";
import { removeCluster } from "../src/store/embedded/remove-cluster.ts";

const root = dirname(import.meta.dirname);
const folder = mkdtempSync(join(tmpdir(), "tminus-package-"));
const project = join(folder, "project");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  version: string;
  bin: Record<string, string>;
  exports: Record<string, string | Record<string, string>>;
};

/** The package as it is published: compiled, beside its manifest and with its dependencies. */
beforeAll(async () => {
  chmodSync(folder, 0o711); // the embedded server's own account must be able to pass
  for (const name of ["package.json", "node_modules", "docs"])
    symlinkSync(join(root, name), join(folder, name));
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  const output = join(folder, "dist");
  await node([compiler, "-p", join(root, "tsconfig.build.json"), "--outDir", output]);
  await node([join(root, "tools/copy-assets.ts"), output]);
  mkdirSync(project);
  writeFileSync(
    join(project, "tminus.yaml"),
    `version: 1
project: packed
environments:
  production:
    url: http://127.0.0.1:1
    target: { kind: local, port: 4080, directory: "releases/{release}", command: [node, server.mjs] }
stages:
  - { id: go, steps: [{ id: pause, kind: wait, with: { for: 1s } }] }
`,
  );
});

afterAll(async () => {
  await removeCluster(join(project, ".tminus/postgres")); // a command that failed may have left it running
  rmSync(folder, { recursive: true, force: true });
});

async function node(args: readonly string[]): Promise<RunResult> {
  const cwd = existsSync(project) ? project : folder;
  const env = { PATH: process.env.PATH ?? "", HOME: folder };
  const result = await run([process.execPath, ...args], { cwd, env, timeoutMs: 180_000 });
  expect(result.exitCode, result.output).toBe(0);
  return result;
}

describe("the built package", () => {
  it("has every file that its manifest names", () => {
    const named = [...Object.values(manifest.bin), ...Object.values(manifest.exports)].flatMap((entry) =>
      typeof entry === "string" ? [entry] : Object.values(entry),
    );
    expect(named.length).toBeGreaterThan(4);
    expect(named.filter((file) => !existsSync(join(folder, file)))).toEqual([]);
  });

  it("says its version", async () => {
    const { output } = await node([join(folder, "dist/cli/main.js"), "--version"]);
    expect(output.trim()).toBe(manifest.version);
  });

  it("finds what is not code: it makes its state database and asks it", async () => {
    const { output } = await node([join(folder, "dist/cli/main.js"), "status", "--json", "--quiet"]);
    const { environments } = JSON.parse(output.trim().split("\n").at(-1)!) as { environments: object[] };
    expect(environments).toMatchObject([{ environment: "production", active: [] }]);
  });
});
