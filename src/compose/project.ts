import { dirname, join, resolve } from "node:path";
import { hashJson } from "../lib/hash.ts";
import { gateKinds } from "../gates/registry.ts";
import type { PlanInput } from "../model/plan.ts";
import type { Runbook, RunbookKinds } from "../model/runbook.ts";
import { channelKinds } from "../providers/channels/registry.ts";
import { scmKinds } from "../providers/scms.ts";
import { targetKinds } from "../providers/targets.ts";
import { loadRunbook } from "../runbook/load.ts";
import { resolveEnvironment, type ResolvedRunbook } from "../runbook/resolve.ts";
import { stepKinds } from "../steps/registry.ts";
import { signalKinds } from "./signal-kinds.ts";
import type { Environment } from "./secrets.ts";
import type { EnvironmentContext, RunContext } from "./run-context.ts";

/** The schemas of every kind that a runbook may name. */
export const runbookKinds: RunbookKinds = {
  steps: schemasOf(stepKinds),
  gates: schemasOf(gateKinds),
  targets: schemasOf(targetKinds),
  channels: schemasOf(channelKinds),
  signals: schemasOf(signalKinds),
  scms: schemasOf(scmKinds),
};

export interface Project {
  runbook: Runbook;
  /** Folder of the runbook; every path in it is relative to this one. */
  directory: string;
  /** Absolute path of the runbook. */
  file: string;
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
  const path = resolve(options.directory, file);
  const directory = dirname(path);
  const stateDirectory = resolve(options.environment.TMINUS_HOME ?? join(directory, ".tminus"));
  return { runbook, directory, file: path, stateDirectory };
}

/** What a worker needs of one environment. Errors: ENVIRONMENT_UNKNOWN. */
export function contextOf(
  { runbook, directory, stateDirectory }: Project,
  environment: string,
): EnvironmentContext {
  const {
    name,
    branch,
    url,
    protected: isProtected,
    database,
    variables,
    target,
    signals,
  } = resolveEnvironment(runbook, environment);
  return {
    projectDirectory: directory,
    stateDirectory,
    environment: {
      name,
      url,
      protected: isProtected,
      variables,
      ...(branch === undefined ? {} : { branch }),
      ...(database === undefined ? {} : { database }),
    },
    target: target as RunContext["target"],
    signals: signals as RunContext["signals"],
    channels: runbook.notify as RunContext["channels"],
    ...(runbook.audit === undefined ? {} : { anchor: runbook.audit.anchor }),
  };
}

/** The parts of the runbook that a plan depends on. When it may begin is no part of what it does. */
export function runbookInputs(resolved: ResolvedRunbook): PlanInput[] {
  const { stages, gates, rollback, channels, scm } = resolved;
  const { windows: _windows, limits: _limits, freezes: _freezes, ...environment } = resolved.environment;
  return [
    { name: "runbook", digest: hashJson({ stages, gates, rollback }) },
    { name: "environment settings", digest: hashJson({ environment, channels }) },
    ...(scm === undefined ? [] : [{ name: "scm settings", digest: hashJson(scm) }]),
  ];
}

function schemasOf<Kind extends { schema: RunbookKinds["steps"][string] }>(
  kinds: Readonly<Record<string, Kind>>,
): RunbookKinds["steps"] {
  return Object.fromEntries(Object.entries(kinds).map(([name, kind]) => [name, kind.schema]));
}
