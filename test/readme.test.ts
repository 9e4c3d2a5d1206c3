import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { buildProgram } from "../src/cli/program.ts";
import { runbookKinds } from "../src/compose.ts";
import { run } from "../src/lib/process.ts";
import { parseRunbook } from "../src/runbook/parse.ts";

const root = dirname(import.meta.dirname);
const read = (file: string): string => readFileSync(join(root, file), "utf8");
const written = [
  "README.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  "docs/runbook.md",
  "docs/windows.md",
  "docs/how-a-run-works.md",
  "docs/troubleshooting.md",
  ...readdirSync(join(root, "docs/adr")).map((file) => `docs/adr/${file}`),
];

function yamlIn(file: string): string[] {
  return [...read(file).matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text]) => text!);
}

function check(file: string, text: string): unknown {
  const result = parseRunbook({ file, text }, runbookKinds);
  return result.state === "valid" ? "valid" : result.diagnostics;
}

describe("the runbooks in the documentation", () => {
  it("are valid where they are whole", () => {
    const whole = yamlIn("README.md");
    expect(whole.length).toBeGreaterThan(0);
    for (const text of whole) expect(check("README.md", text), text).toBe("valid");
  });

  it("are valid where they are a part, put into the whole one before it", () => {
    const [whole, ...parts] = yamlIn("docs/runbook.md");
    expect(parts.length).toBeGreaterThan(1);
    for (const part of ["", ...parts]) {
      const runbook = { ...(parse(whole!) as object), ...(parse(part) as object | null) };
      expect(check("docs/runbook.md", stringify(runbook)), part).toBe("valid");
    }
  });

  it("are valid where they are about windows, put into the whole one", () => {
    type Part = { environments: { production: object } };
    const [part] = yamlIn("docs/windows.md").map((text) => parse(text) as Part);
    const whole = parse(yamlIn("docs/runbook.md")[0]!) as Part;
    const production = { ...whole.environments.production, ...part!.environments.production };
    const runbook = { ...whole, ...part, environments: { ...whole.environments, production } };
    expect(check("docs/windows.md", stringify(runbook))).toBe("valid");
  });
});

describe("the README", () => {
  it("names every command, and none that does not exist", () => {
    const table = read("README.md").split("| command | does |")[1]!.split("\n\n")[0]!;
    const named = table
      .split("\n")
      .flatMap((row) => [...(row.split("|")[1] ?? "").matchAll(/`([\w-]+)`/g)].map(([, name]) => name!));
    const program = buildProgram(async () => undefined);
    const existing = program.createHelp().visibleCommands(program);
    expect(named.sort()).toEqual(
      existing
        .map((command) => command.name())
        .filter((name) => name !== "help")
        .sort(),
    );
  });

  it("has the exit codes of the generated page", () => {
    const rows = (text: string): string[] =>
      text.split("\n").filter((line) => /^\| \d+ \| /.test(line) && !line.includes("`"));
    const expected = rows(read("docs/cli.md"));
    expect(expected.length).toBeGreaterThan(5);
    expect(rows(read("README.md"))).toEqual(expected);
  });

  it("shows what the recorded run looks like now", async () => {
    const result = await run([process.execPath, "tools/picture.ts", "--check"], {
      cwd: root,
      timeoutMs: 60_000,
    });
    expect(result.output).toBe("");
    expect(result.exitCode).toBe(0);
  });
});

describe.each(written)("%s", (file) => {
  it("links only to what exists", () => {
    const links = [...read(file).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!);
    const local = links.filter((link) => !/^https?:/.test(link)).map((link) => link.replace(/#.*$/, ""));
    const missing = local.filter((link) => !existsSync(join(root, dirname(file), link)));
    expect(missing).toEqual([]);
  });
});
