import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { toErrorRecord, type ErrorRecord } from "../../src/errors.ts";
import type { Diagnostic } from "../../src/runbook/diagnostic.ts";
import { findRunbook, loadRunbook } from "../../src/runbook/load.ts";
import { kinds } from "./sample-kinds.ts";

const minimal = `version: 1
project: shop
environments: { here: { url: http://localhost, target: { kind: none } } }
stages: [{ id: app, steps: [{ id: deploy, kind: app.deploy }] }]
`;

const config = `const environments: Record<string, unknown> = { here: { url: "http://localhost", target: { kind: "none" } } };
export default {
  version: 1,
  project: "shop",
  environments,
  stages: [{ id: "app", steps: [{ id: "deploy", kind: "app.deploy" }] }],
};
`;

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "tminus-load-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function put(path: string, content: string | Uint8Array): Promise<string> {
  const file = join(root, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
  return file;
}

async function failure(promise: Promise<unknown>): Promise<ErrorRecord> {
  return promise.then(
    () => Promise.reject(new Error("it did not fail")),
    (error: unknown) => toErrorRecord(error),
  );
}

function mistakes(record: ErrorRecord): Diagnostic[] {
  return record.details.diagnostics as Diagnostic[];
}

describe("findRunbook", () => {
  it("looks upwards as far as the git root", async () => {
    const file = await put("project/tminus.yaml", minimal);
    await put("project/.git", "gitdir: elsewhere");
    await mkdir(join(root, "project/a/b"), { recursive: true });
    expect(await findRunbook(join(root, "project/a/b"))).toBe(file);
  });

  it("does not look above the git root", async () => {
    await put("tminus.yaml", minimal);
    await mkdir(join(root, "project/.git"), { recursive: true });
    expect(await failure(findRunbook(join(root, "project")))).toMatchObject({ code: "RUNBOOK_MISSING" });
  });

  it("refuses to choose between two files of one folder", async () => {
    await put("tminus.yaml", minimal);
    await put("tminus.config.ts", config);
    expect(await failure(findRunbook(root))).toMatchObject({
      code: "RUNBOOK_INVALID",
      details: { files: ["tminus.yaml", "tminus.config.ts"] },
    });
  });
});

describe("loadRunbook", () => {
  it("gives the runbook, its folder and a digest that comments do not change", async () => {
    const file = await put("tminus.yml", minimal);
    const first = await loadRunbook({ directory: root, kinds });
    expect(first).toMatchObject({ file, directory: root, runbook: { project: "shop" } });
    await put("tminus.yml", `# a comment\n${minimal}`);
    expect((await loadRunbook({ directory: root, kinds })).digest).toBe(first.digest);
    await put("tminus.yml", minimal.replace("deploy,", "ship,"));
    expect((await loadRunbook({ directory: root, kinds })).digest).not.toBe(first.digest);
  });

  it("tells every mistake with the file's name as the reader would type it", async () => {
    await put(
      "ops/tminus.yaml",
      minimal.replace("kind: none", "kind: nothing").replace("version: 1", "version: 2"),
    );
    const record = await failure(loadRunbook({ directory: root, file: "ops/tminus.yaml", kinds }));
    expect(record.code).toBe("RUNBOOK_INVALID");
    expect(mistakes(record).map(({ file, line, path }) => [file, line, path])).toEqual([
      ["ops/tminus.yaml", 1, "version"],
      ["ops/tminus.yaml", 3, "environments.here.target.kind"],
    ]);
  });

  it("says RUNBOOK_MISSING for a named file that is not there", async () => {
    expect(await failure(loadRunbook({ directory: root, file: "no.yaml", kinds }))).toMatchObject({
      code: "RUNBOOK_MISSING",
    });
  });

  it("says RUNBOOK_UNREADABLE for a folder, for Latin-1 and for a file that is too large", async () => {
    await mkdir(join(root, "folder.yaml"));
    await put("latin.yaml", Buffer.from("version: 1\nproject: gr\u00fcn\n", "latin1"));
    await put("large.yaml", Buffer.alloc(5 * 1024 * 1024, "a"));
    for (const file of ["folder.yaml", "latin.yaml", "large.yaml"]) {
      expect(await failure(loadRunbook({ directory: root, file, kinds }))).toMatchObject({
        code: "RUNBOOK_UNREADABLE",
      });
    }
    const latin = await failure(loadRunbook({ directory: root, file: "latin.yaml", kinds }));
    expect(mistakes(latin)[0]).toMatchObject({ file: "latin.yaml", line: 2, column: 12 });
    expect(mistakes(latin)[0]!.excerpt).toContain("project: gr");
  });

  it("takes the same object from a tminus.config.ts, as default or as runbook", async () => {
    await put("yaml/tminus.yaml", minimal);
    await put("default/tminus.config.ts", config);
    await put("named/tminus.config.ts", config.replace("export default {", "export const runbook = {"));
    const expected = await loadRunbook({ directory: join(root, "yaml"), kinds });
    for (const folder of ["default", "named"]) {
      const { digest, runbook } = await loadRunbook({ directory: join(root, folder), kinds });
      expect(runbook).toEqual(expected.runbook);
      expect(digest).toBe(expected.digest);
    }
  });

  it("reads a changed tminus.config.ts again", async () => {
    await put("tminus.config.ts", config);
    expect((await loadRunbook({ directory: root, kinds })).runbook.project).toBe("shop");
    await put("tminus.config.ts", config.replace('"shop"', '"store"'));
    expect((await loadRunbook({ directory: root, kinds })).runbook.project).toBe("store");
  });

  it("points at the key's text for mistakes in a tminus.config.ts", async () => {
    await put(
      "tminus.config.ts",
      config.replace("  project:", "  projekt: 1,\n  project:").replace('"app.deploy"', '"app.deplo"'),
    );
    const record = await failure(loadRunbook({ directory: root, kinds }));
    expect(mistakes(record).map(({ line, column, path }) => [line, column, path])).toEqual([
      [4, 3, "projekt"],
      [7, 49, "stages[0].steps[0].kind"],
    ]);
  });

  it.each([
    ["throws", "throw new Error('no luck');\nexport default {};\n", "no luck"],
    ["has a syntax error", "export default {\n", "could not be executed"],
    ["exports nothing", "export {};\n", 'exports neither "default" nor "runbook"'],
    ["exports a function", "export default () => 1;\n", "a function cannot stand in a runbook"],
    [
      "exports a circle",
      "const a: unknown[] = [];\na.push(a);\nexport default { version: a };\n",
      "contains itself",
    ],
    ["holds a date", "export default { version: new Date(0) };\n", "a Date cannot stand in a runbook"],
  ])("refuses a tminus.config.ts that %s, with a position", async (_, text, message) => {
    await put("tminus.config.ts", text);
    const record = await failure(loadRunbook({ directory: root, kinds }));
    expect(record).toMatchObject({ code: "RUNBOOK_INVALID" });
    expect(record.message).toContain(message);
    for (const { line, column } of mistakes(record)) {
      expect(line).toBeGreaterThanOrEqual(1);
      expect(line).toBeLessThanOrEqual(text.split("\n").length);
      expect(column).toBeGreaterThanOrEqual(1);
    }
  });
});
