import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runCommand, type CommandOptions } from "./support/run-command.ts";

const NO_RUNS = (): Promise<never> => Promise.reject(new Error("not used here"));
const LIST = `# who made them: ann
- name: OPENAI_API_KEY # the model
  rotated: "2026-01-15"
  howToRotate: make one in the console
- name: VERCEL_TOKEN
`;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "tminus-secrets-"));
  writeFileSync(join(directory, "credentials.yaml"), LIST, { mode: 0o644 });
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const run = (argv: string[], options: CommandOptions = {}) =>
  runCommand(NO_RUNS, ["secrets", ...argv], { directory, ...options });
const file = (): string => readFileSync(join(directory, "credentials.yaml"), "utf8");
const daysAgo = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);
const today = daysAgo(0);

describe("tminus secrets age", () => {
  it("exits 3 when a credential is too old or nobody knows its age", async () => {
    writeFileSync(join(directory, "credentials.yaml"), LIST.replace("2026-01-15", daysAgo(91)));
    const { exitCode, stdout } = await run(["age"]);
    expect(exitCode).toBe(3);
    expect(stdout).toBe(
      "OPENAI_API_KEY: 91 days, 90 allowed: too old\nVERCEL_TOKEN: age unknown, 90 allowed: write it down\n",
    );
  });

  it("exits 0 when all are young enough, by the age given", async () => {
    writeFileSync(join(directory, "other.yaml"), `- name: A\n  rotated: ${daysAgo(3)}\n`);
    expect((await run(["age", "--file", "other.yaml", "--max-age", "2d"])).exitCode).toBe(3);
    const { exitCode, stdout } = await run(["age", "--file", "other.yaml", "--max-age", "3d", "--json"]);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ credentials: [{ name: "A", ageDays: 3, state: "fresh" }] });
  });

  it("says where the file has a mistake", async () => {
    writeFileSync(join(directory, "credentials.yaml"), "- name: A\n  rotate: 1\n");
    const { exitCode, stderr } = await run(["age"]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("credentials.yaml:1:3");
  });
});

describe("tminus secrets rotate", () => {
  it("says what to do, and writes nothing unless a person types the name", async () => {
    const silent = await run(["rotate", "OPENAI_API_KEY"]);
    expect(silent.stdout).toContain("1. Make a new one: make one in the console");
    expect(silent.stdout).toContain("nothing was written");
    const refused = await run(["rotate", "OPENAI_API_KEY"], { isTty: true, answer: "yes" });
    expect(refused.asked).toHaveLength(1);
    expect(file()).toBe(LIST);
  });

  it("writes today down when the name is typed, and leaves the rest of the file as it is", async () => {
    const { exitCode } = await run(["rotate", "OPENAI_API_KEY"], { isTty: true, answer: "OPENAI_API_KEY\n" });
    expect(exitCode).toBe(0);
    expect(file()).toBe(LIST.replace('"2026-01-15"', today));
    expect(statSync(join(directory, "credentials.yaml")).mode & 0o777).toBe(0o644);
  });

  it("writes a day where there was none, with --done, and may be repeated", async () => {
    for (let time = 0; time < 2; time++) {
      const { stdout, asked } = await run(["rotate", "VERCEL_TOKEN", "--done", "--json"]);
      expect(JSON.parse(stdout)).toMatchObject({ name: "VERCEL_TOKEN", rotated: today });
      expect(asked).toEqual([]);
    }
    expect(file()).toContain(`- name: VERCEL_TOKEN\n  rotated: ${today}\n`);
    expect(file()).toContain("# who made them: ann");
  });

  it("refuses a name that is not listed", async () => {
    const { exitCode, stderr } = await run(["rotate", "OPENAI_KEY", "--done"]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("OPENAI_API_KEY");
  });
});
