import { dirname, join, resolve } from "node:path";
import { hashJson } from "../lib/hash.ts";
import { gateKinds } from "../gates/registry.ts";
import type { PlanInput } from "../model/plan.ts";
import type { Runbook, RunbookKinds } from "../model/runbook.ts";
import { channelKinds } from "../providers/channels/registry.ts";
import { targetKinds } from "../providers/targets.ts";
import { loadRunbook } from "../runbook/load.ts";
import { resolveEnvironment, type ResolvedRunbook } from "../runbook/resolve.ts";
import { stepKinds } from "../steps/registry.ts";
import type { Environment } from "./secrets.ts";
import type { RunContext } from "./run-context.ts";

/** The schemas of every kind that a runbook may name. */
export const runbookKinds: RunbookKinds = {
  steps: schemasOf(stepKinds),
  gates: schemasOf(gateKinds),
  targets: schemasOf(targetKinds),
  channels: schemasOf(channelKinds),
};

export interface Project {
  runbook: Runbook;
  /** Folder of the runbook; every path in it is relative to this one. */
  directory: string;
  stateDirectory: string;
}

/** Errors: RUNBOOK_MISSING, RUNBOOK_INVALID, RUNBOOK_UNREADABLE. */
export async function openProject(options: {
  directory: string;
  configFile?: string;
  environment: Environment;
}): Promise<Project> {
  const { runbook, file } = await loadRunbook({
    directory: options.directory,
    ...(options.configFile === undefined ? {} : { file: options.configFile }),
    kinds: runbookKinds,
  });
  const directory = dirname(resolve(options.directory, file));
  const stateDirectory = resolve(options.environment.TMINUS_HOME ?? join(directory, ".tminus"));
  return { runbook, directory, stateDirectory };
}

/** What a worker needs of one environment. Errors: ENVIRONMENT_UNKNOWN. */
export function contextOf({ runbook, directory, stateDirectory }: Project, environment: string): RunContext {
  const {
    name,
    url,
    protected: isProtected,
    database,
    variables,
    target,
  } = resolveEnvironment(runbook, environment);
  return {
    projectDirectory: directory,
    stateDirectory,
    environment: {
      name,
      url,
      protected: isProtected,
      variables,
      ...(database === undefined ? {} : { database }),
    },
    target: target as RunContext["target"],
    channels: runbook.notify as RunContext["channels"],
  };
}

/** The parts of the runbook that a plan depends on. */
export function runbookInputs(resolved: ResolvedRunbook): PlanInput[] {
  const { stages, gates, rollback, environment, channels } = resolved;
  return [
    { name: "runbook", digest: hashJson({ stages, gates, rollback }) },
    { name: "environment settings", digest: hashJson({ environment, channels }) },
  ];
}

function schemasOf<Kind extends { schema: RunbookKinds["steps"][string] }>(
  kinds: Readonly<Record<string, Kind>>,
): RunbookKinds["steps"] {
  return Object.fromEntries(Object.entries(kinds).map(([name, kind]) => [name, kind.schema]));
}
