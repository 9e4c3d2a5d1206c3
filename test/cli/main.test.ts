import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { run, type RunResult } from "../../src/lib/process.ts";

const main = join(import.meta.dirname, "../../src/cli/main.ts");

describe("the tminus program", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "tminus-main-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const tminus = (...argv: string[]): Promise<RunResult> =>
    run([process.execPath, main, ...argv], {
      cwd: folder,
      // An address that nobody answers: whoever asks it fails.
      env: {
        PATH: process.env.PATH ?? "",
        TMINUS_HOME: join(folder, "state"),
        TMINUS_DATABASE_URL: "postgres://127.0.0.1:1/none",
      },
      timeoutMs: 30_000,
    });

  it.each([
    ["--version"],
    ["--help"],
    ["deploy", "--help"],
    ["explain"],
    ["explain", "PLAN_STALE", "--json"],
  ])("%s %s needs no runbook and no state, and leaves no trace on the disk", async (...argv) => {
    const result = await tminus(...argv);
    expect(result).toMatchObject({ exitCode: 0 });
    expect(result.output).not.toBe("");
    expect(await readdir(folder)).toEqual([]);
  });

  it("fails with the code's exit code and the next command when there is no runbook", async () => {
    const result = await tminus("status", "--json");
    expect(result.exitCode).toBe(2);
    expect(JSON.parse(result.output)).toMatchObject({
      schema_version: 1,
      error: { code: "RUNBOOK_MISSING" },
    });
    expect(await readdir(folder)).toEqual([]);
  });

  it("keeps what libraries print out of stdout", async () => {
    const noise =
      "data:text/javascript,process.on('exit',()=>{console.log('noise');process.stdout.write('noise')})";
    const command = `"$0" --import "$2" "$1" --version --json`;
    const options = { env: { PATH: process.env.PATH ?? "" }, timeoutMs: 30_000 };
    const argv = (redirect: string): string[] => [
      "sh",
      "-c",
      `${command} ${redirect}`,
      process.execPath,
      main,
      noise,
    ];
    const stdout = await run(argv("2>/dev/null"), options);
    expect(JSON.parse(stdout.output)).toMatchObject({ schema_version: 1 });
    const stderr = await run(argv("2>&1 >/dev/null"), options);
    expect(stderr.output).toBe("noise\nnoise");
  });

  it("ends quietly when its reader goes away", async () => {
    const result = await run(["sh", "-c", `"$0" "$1" explain | head -n 1`, process.execPath, main], {
      env: { PATH: process.env.PATH ?? "" },
      timeoutMs: 30_000,
    });
    expect(result.exitCode).toBe(0);
    expect(result.output.trimEnd().split("\n")).toHaveLength(1);
  });
});
