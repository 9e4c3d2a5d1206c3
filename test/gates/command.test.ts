import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { command } from "../../src/gates/command.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { gateContext } from "../support/gate-context.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "tminus-gate-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const check = (settings: JsonObject, secrets: Record<string, string> = {}) =>
  command.check(gateContext(command, settings, { projectDirectory: directory, secrets }));
const sh = (script: string) => ["sh", "-c", script];

it.each([
  [0, "pass"],
  [1, "fail"],
  [126, "unknown"],
  [127, "unknown"],
])("with exit code %i is a %s", async (code, verdict) => {
  expect((await check({ run: sh(`exit ${code}`) })).verdict).toBe(verdict);
});

it("fails with the last line of the output, and keeps the last lines as evidence", async () => {
  expect(await check({ run: sh("echo one; echo '2 tests failed'; exit 1") })).toMatchObject({
    verdict: "fail",
    reason: "exit code 1: 2 tests failed",
    evidence: { exitCode: 1, lastLines: ["one", "2 tests failed"] },
    fix: expect.any(String) as unknown,
  });
});

it("takes the exit codes it was told as 'could not run'", async () => {
  expect((await check({ run: sh("exit 2"), couldNotRun: [2] })).verdict).toBe("unknown");
  expect((await check({ run: sh("exit 127"), couldNotRun: [2] })).verdict).toBe("fail");
});

it("is undecided when the program is missing, hangs, or is killed", async () => {
  expect((await check({ run: ["no-such-program-anywhere"] })).reason).toContain("could not be started");
  expect(await check({ run: ["sleep", "60"], timeout: "200ms" })).toMatchObject({
    verdict: "unknown",
    reason: "it did not end within 200ms",
  });
  expect(await check({ run: sh("kill -9 $$") })).toMatchObject({
    verdict: "unknown",
    reason: "it was ended by SIGKILL",
  });
  expect(await check({ script: "gone.sh" })).toMatchObject({
    verdict: "unknown",
    reason: "script: gone.sh does not exist",
  });
});

it("runs a script of the project with the variables given by reference, and hides their values", async () => {
  writeFileSync(join(directory, "check.sh"), 'echo "$TOKEN on $TMINUS_RELEASE"; exit 1\n');
  const verdict = await check(
    { script: "check.sh", env: { TOKEN: "env:TOKEN" } },
    { "env:TOKEN": "s3cr3tvalue1" },
  );
  expect(verdict.reason).toBe("exit code 1: *** on v2");
  expect(JSON.stringify(verdict)).not.toContain("s3cr3t");
});

it("does not show the rest of a secret that the limit of the output cuts in two", async () => {
  const script = 'printf "%s" "$TOKEN"; head -c 262139 /dev/zero | tr "\\0" "\\n"; exit 1';
  const verdict = await check(
    { run: sh(script), env: { TOKEN: "env:TOKEN" } },
    { "env:TOKEN": "s3cr3tvalue1" },
  );
  expect(JSON.stringify(verdict)).not.toContain("lue1");
  expect(verdict.verdict).toBe("fail");
});

it("throws the reason when it is aborted", async () => {
  const stopping = new AbortController();
  const context = gateContext(
    command,
    { run: ["sleep", "60"] },
    { projectDirectory: directory, signal: stopping.signal },
  );
  const checking = command.check(context);
  stopping.abort(new Error("enough"));
  await expect(checking).rejects.toThrow("enough");
});
