import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { askStatus } from "../../../src/providers/command/live-status.ts";

const folder = mkdtempSync(join(tmpdir(), "tminus-status-"));
afterAll(() => rmSync(folder, { recursive: true }));

function ask(script: string, timeoutMs = 10_000, signal?: AbortSignal) {
  const env = { PATH: process.env.PATH ?? "" };
  const redact = (text: string): string => text.replaceAll("s3cret", "***");
  return askStatus({ argv: ["sh", "-c", script], cwd: folder, env, timeoutMs, signal, folder, redact });
}

it.each([
  ["echo v1", "v1"],
  ["echo checking; echo; echo ' v1 '; echo", "v1"],
  ["echo v1; echo not-a-release >&2", "v1"],
  [`echo '{"release": "v1"}'`, "v1"],
  [`echo checking; echo '{"release": "v1", "healthy": true}'`, "v1"],
  [`printf '{\\n  "release": "v1"\\n}\\n'`, "v1"],
])("reads the release that %s names", async (script, value) => {
  expect(await ask(script)).toEqual({ state: "present", value });
});

it("takes exit code 3 for nothing deployed, whatever is printed", async () => {
  expect(await ask("echo v1; exit 3")).toEqual({ state: "absent" });
});

it.each([
  ["exit 1", "ended with exit code 1"],
  ["echo v1; echo no access with s3cret >&2; exit 5", "ended with exit code 5: no access with ***"],
  ["true", "printed nothing"],
  ["echo two words", "names no release: two words"],
  ["echo ../v1", "names no release"],
  [`echo '{"release": null}'`, "names no release"],
  [`echo '{"release": '`, "names no release"],
  [`echo '["v1"]'`, "names no release"],
  ["kill -9 $$", "was ended by SIGKILL"],
])("does not know what is live after %s", async (script, reason) => {
  const answer = await ask(script);
  expect(answer).toMatchObject({ state: "unknown", reason: expect.stringContaining(reason) as unknown });
});

it("does not know when the answer takes too long, and leaves no file behind", async () => {
  expect(await ask("sleep 20; echo v1", 200)).toMatchObject({ state: "unknown" });
  expect(readdirSync(folder)).toEqual([]);
});

it("throws the reason of an abort", async () => {
  await expect(ask("sleep 20", 10_000, AbortSignal.abort(new Error("enough")))).rejects.toThrow("enough");
});
