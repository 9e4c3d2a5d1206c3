import { join } from "node:path";
import { parse } from "yaml";
import * as z from "zod";
import type { GateContext } from "../../model/gate-kind.ts";
import { readProjectFile } from "../project-file.ts";
import { askClient } from "./client.ts";
import type { Lockfile } from "./find-lockfile.ts";

/** What in package.json the lockfile does not fit, or why it could not be compared. */
export type LockfileProblems =
  | { state: "compared"; problems: string[]; manifests: string[] }
  | { state: "silent"; reason: string };

type Context = Pick<GateContext<unknown>, "signal" | "redact" | "processEnvironment">;

const NPM_LIMIT_MS = 60_000;
const specs = z.record(z.string(), z.string()).default({});
const manifestSchema = z.object({
  dependencies: specs,
  devDependencies: specs,
  optionalDependencies: specs,
  resolutions: specs,
});
const npmLockSchema = z.object({ packages: z.record(z.string(), z.unknown()) });
const npmSchema = z.object({
  problems: z.array(z.string()).default([]),
  error: z.object({ code: z.string() }).optional(),
});
const pnpmSpecs = z.record(z.string(), z.object({ specifier: z.string() })).default({});
const pnpmSchema = z.object({
  overrides: z.record(z.string(), z.string()).default({}),
  importers: z.record(
    z.string(),
    z.object({ dependencies: pnpmSpecs, devDependencies: pnpmSpecs, optionalDependencies: pnpmSpecs }),
  ),
});

/** Compares without a network and without writing anything. */
export async function lockfileProblems(
  context: Context,
  folder: string,
  lockfile: Lockfile,
): Promise<LockfileProblems> {
  try {
    const read = readProjectFile(folder, lockfile.name);
    if (read.state === "unreadable") return { state: "silent", reason: read.reason };
    if (lockfile.manager === "npm") return await ofNpm(context, folder, read.text);
    return lockfile.manager === "pnpm" ? ofPnpm(folder, read.text) : ofYarn(folder, read.text);
  } catch (error) {
    context.signal.throwIfAborted();
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    return { state: "silent", reason: `${lockfile.name} or a package.json is not understood: ${reason}` };
  }
}

/** npm's own judgement, as of `npm ci`: what is missing or does not satisfy its range, in every workspace. */
async function ofNpm(context: Context, folder: string, text: string): Promise<LockfileProblems> {
  // npm takes a file that is no JSON for an empty one.
  const { packages } = npmLockSchema.parse(JSON.parse(text));
  const paths = Object.keys(packages).filter((path) => !/(^|\/)node_modules\/|^\.\./.test(path));
  for (const path of paths) manifest(folder, path);
  const argv = ["npm", "ls", "--package-lock-only", "--all", "--json", "--offline"];
  const asked = await askClient(context, argv, folder, NPM_LIMIT_MS);
  if (asked.state === "silent") return asked;
  const answer = npmSchema.safeParse(asked.stdout === "" ? undefined : JSON.parse(asked.stdout));
  const isAnswer = asked.exitCode === 0 || answer.data?.error?.code === "ELSPROBLEMS";
  if (!answer.success || !isAnswer)
    return {
      state: "silent",
      reason: `npm ls gave no answer: ${context.redact(asked.stderr.split("\n", 1)[0]!)}`,
    };
  const problems = answer.data.problems.map((text) => text.replaceAll(`${folder}/`, ""));
  return { state: "compared", problems, manifests: paths.map(manifestOf) };
}

/** The lockfile repeats what each package.json asks for; overrides replace it there. */
function ofPnpm(folder: string, text: string): LockfileProblems {
  const { importers, overrides } = pnpmSchema.parse(parse(text, { maxAliasCount: 0 }));
  const replaced = Object.keys(overrides).map((key) => key.replace(/^.*>/, "").replace(/(.)@.*$/, "$1"));
  const problems = Object.entries(importers).flatMap(([path, recorded]) => {
    const wanted = wantedBy(folder, path);
    const locked = Object.entries({
      ...recorded.devDependencies,
      ...recorded.dependencies,
      ...recorded.optionalDependencies,
    }).map(([name, { specifier }]): [string, string] => [name, specifier]);
    return differences(path, wanted, Object.fromEntries(locked)).filter(
      ({ name }) => !replaced.includes(name),
    );
  });
  return {
    state: "compared",
    problems: problems.map(({ said }) => said),
    manifests: Object.keys(importers).map(manifestOf),
  };
}

/** Each range that a package.json asks for is a key. Of version 1 only the root is known to the lockfile. */
function ofYarn(folder: string, text: string): LockfileProblems {
  const keys = text
    .split("\n")
    .filter((line) => /^[^\s#].*:$/.test(line))
    .flatMap((line) => line.slice(0, -1).split(", "))
    .map((key) => key.replaceAll('"', ""));
  const workspaces = keys.flatMap((key) => /@workspace:(.+)$/.exec(key)?.[1] ?? []);
  const paths = workspaces.filter((path) => path === "." || /^[\w@./-]+$/.test(path));
  const folders = paths.length === 0 ? ["."] : [...new Set(paths)];
  const problems = folders.flatMap((path) => {
    const { resolutions } = manifest(folder, path);
    return Object.entries(wantedBy(folder, path)).flatMap(([name, range]) => {
      const isPlain = !range.includes(":") && resolutions[name] === undefined;
      const isKnown = isPlain
        ? keys.includes(`${name}@${range}`) || keys.includes(`${name}@npm:${range}`)
        : keys.some((key) => key.startsWith(`${name}@`));
      return isKnown ? [] : [`${manifestOf(path)}: ${name}@${range} is not in the lockfile`];
    });
  });
  return { state: "compared", problems, manifests: folders.map(manifestOf) };
}

function differences(
  path: string,
  wanted: Record<string, string>,
  locked: Record<string, string>,
): { name: string; said: string }[] {
  return [...new Set([...Object.keys(wanted), ...Object.keys(locked)])].flatMap((name) => {
    if (wanted[name] === locked[name]) return [];
    const said = `${manifestOf(path)}: ${name} is ${wanted[name] ?? "not asked for"}, in the lockfile ${locked[name] ?? "missing"}`;
    return [{ name, said }];
  });
}

function wantedBy(folder: string, path: string): Record<string, string> {
  const { dependencies, devDependencies, optionalDependencies } = manifest(folder, path);
  return { ...devDependencies, ...dependencies, ...optionalDependencies };
}

function manifest(folder: string, path: string): z.output<typeof manifestSchema> {
  const read = readProjectFile(folder, manifestOf(path));
  if (read.state === "unreadable") throw new Error(read.reason);
  return manifestSchema.parse(JSON.parse(read.text));
}

function manifestOf(path: string): string {
  return join(path, "package.json");
}
