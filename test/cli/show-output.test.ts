import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ID, ended, withRun } from "./support/cases.ts";
import { runCommand, type CommandResult } from "./support/run-command.ts";
import { sampleWatch } from "./support/sample-watch.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tminus-show-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function show(...args: string[]): Promise<CommandResult> {
  const fake = withRun(ended, { watchedSteps: [sampleWatch()] });
  return runCommand(fake, ["show", ...args], { directory: folder });
}

const read = (file: string): string => readFileSync(join(folder, file), "utf8");
const CHARTS = [`${ID}-canary-errors.svg`, `${ID}-canary-shy.svg`];

describe("show --output", () => {
  it("writes the log into a folder that it makes, with a chart beside it for every rule that was seen", async () => {
    const { exitCode, stdout } = await show("-o", "deploys/of/today");
    expect(exitCode).toBe(0);
    expect(readdirSync(join(folder, "deploys/of/today")).toSorted()).toEqual(
      [...CHARTS, `${ID}.md`].toSorted(),
    );
    expect(stdout.split("\n")).toEqual([
      `written: deploys/of/today/${ID}.md`,
      ...CHARTS.map((file) => `written: deploys/of/today/${file}`),
      "",
    ]);
    const log = read(`deploys/of/today/${ID}.md`);
    for (const file of CHARTS) expect(log).toContain(`](${file})`);
    expect(log).toContain("#### `up` · step `canary`");
    expect(read(`deploys/of/today/${CHARTS[0]!}`)).toMatch(
      /^<svg [^]*<\/svg>\n<!-- written by tminus, sha256 \w{64} -->\n$/,
    );
  });

  it("names the charts after the file, and tells with --json what was written", async () => {
    const { exitCode, stdout } = await show("-o", "v2 (last).md", "--json");
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      run: ID,
      files: [
        { file: "v2 (last).md", kind: "log" },
        {
          file: "v2 (last)-canary-errors.svg",
          kind: "chart",
          step: "canary",
          rule: "errors",
          source: "prom",
        },
        { file: "v2 (last)-canary-shy.svg", kind: "chart", step: "canary", rule: "shy", source: "prom" },
      ],
    });
    expect(read("v2 (last).md")).toContain("](v2%20%28last%29-canary-errors.svg)");
  });

  it("writes the chart of one rule, and says why there is none of a probe", async () => {
    expect(await show("--rule", "errors", "-o", "errors.svg")).toMatchObject({
      exitCode: 0,
      stdout: "written: errors.svg\n",
    });
    expect((await show("--rule", "shy", "-o", "./")).stdout).toBe(`written: ${CHARTS[1]!}\n`);
    expect(readdirSync(folder).toSorted()).toEqual([CHARTS[1]!, "errors.svg"].toSorted());
    const probe = await show("--rule", "up", "-o", "up/");
    expect(probe.exitCode).toBe(2);
    expect(existsSync(join(folder, "up"))).toBe(false);
    expect(probe.stderr).toContain("of the rule up there is nothing to draw");
  });

  it("replaces what it has written, and nothing else unless it is forced", async () => {
    await show("-o", "log.md");
    const first = read("log.md");
    expect((await show("-o", "log.md")).exitCode).toBe(0);
    expect(read("log.md")).toBe(first);
    writeFileSync(join(folder, "log.md"), first.replace("Outcome", "My outcome"));
    rmSync(join(folder, "log-canary-shy.svg"));
    const refused = await show("-o", "log.md");
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain(
      "log.md: there already, and not as tminus has written it; nothing was written",
    );
    expect(read("log.md")).toContain("My outcome");
    expect(existsSync(join(folder, "log-canary-shy.svg"))).toBe(false);
    expect((await show("-o", "log.md", "--force")).exitCode).toBe(0);
    expect(read("log.md")).toBe(first);
  });

  it("leaves readable files and no others behind", async () => {
    await show("-o", "log.md");
    expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
    expect(statSync(join(folder, "log.md")).mode & 0o777).toBe(0o666 & ~process.umask());
  });

  it.each([
    [["-o", "log.txt"], "log.txt is neither a folder nor a file that ends in .md"],
    [["--rule", "errors", "-o", "x.md"], "x.md is neither a folder nor a file that ends in .svg"],
    [["-o", "missing/log.md"], "could not be written"],
    [["--step", "canary", "-o", "x.md"], "--output is for a run, for a rule of it or for evidence"],
    [["--evidence", "00", "-o", "x.md"], "there is no evidence with the SHA-256 00"],
    [["--evidence", "b".repeat(64)], "is no text but image/png, 5 bytes; it is not printed"],
    [["-o", "taken/"], "could not be written"],
  ])("refuses %j", async (args, text) => {
    writeFileSync(join(folder, "taken"), "a file");
    const { exitCode, stderr } = await show(...args);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(text);
    expect(readdirSync(folder)).toEqual(["taken"]);
  });

  it("does not take a folder for a file, whatever it is called", async () => {
    mkdirSync(join(folder, "x.md"));
    expect((await show("-o", "x.md")).stdout).toContain(`written: x.md/${ID}.md`);
  });
});

describe("show and log --markdown", () => {
  it("print the rules with their values as a line of blocks", async () => {
    const fake = withRun(ended, { watchedSteps: [sampleWatch()] });
    for (const command of ["show", "log"]) {
      const { stdout } = await runCommand(fake, [command, "--markdown"]);
      expect(stdout).toContain("### Rules\n\n#### `errors` · step `canary`\n");
      expect(stdout).toContain("- `▃█` 0.4 % to 1.2 %, limit 1 %, 10:01:05 to 10:01:10 UTC");
      expect(stdout).not.toContain(".svg");
    }
  });
});
