import * as z from "zod";
import { matchesGlob } from "../lib/glob.ts";
import { defineGate } from "./define.ts";
import { sayNames } from "./say-names.ts";
import type { GateVerdict } from "../model/gate-kind.ts";

const schema = z.strictObject({
  examples: z
    .array(z.string().min(1))
    .max(50)
    .default(["*.example", "*.sample", "*.template"])
    .describe("Names of such files that hold no values and may be tracked; * stands for anything"),
});

/** .env, .env.local, production.env, .envrc: in whatever case. */
const ENV_FILE = /^(\.env(rc)?|\.env\..+|.+\.env)$/i;

/** Passes when git tracks no .env file but examples. */
export const secretsEnvFiles = defineGate({
  kind: "secrets.env-files",
  summary:
    "Passes when git tracks no .env file, in any folder of the repository, but examples without values.",
  requirements: ["B4"],
  schema,
  example: 'examples: ["*.example"]\n',

  async check(context): Promise<GateVerdict> {
    const { Repository } = await import("./secrets/repository.ts");
    const repository = await Repository.find(context);
    const tracked = repository.state === "silent" ? repository : await repository.value.trackedFiles();
    if (tracked.state === "silent")
      return {
        verdict: "unknown",
        reason: tracked.reason,
        fix: "run it inside a clone of the repository",
      };
    const found = tracked.value.map(({ path }) => path).filter((path) => isEnvFile(path));
    const isExample = (path: string): boolean =>
      context.with.examples.some((pattern) => matchesGlob(nameOf(path), pattern));
    const wrong = found.filter((path) => !isExample(path));
    const evidence = { tracked: wrong, examples: found.filter(isExample) };
    if (wrong.length > 0)
      return {
        verdict: "fail",
        reason: `tracked by git: ${sayNames(wrong)}`,
        evidence,
        fix: "run git rm --cached on it, add it to .gitignore, and rotate what it holds: it stays in the history",
      };
    return { verdict: "pass", reason: `no .env file among ${tracked.value.length} tracked files`, evidence };
  },
});

function isEnvFile(path: string): boolean {
  return ENV_FILE.test(nameOf(path));
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
