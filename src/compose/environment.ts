import { join } from "node:path";
import type { Clock } from "../lib/clock.ts";
import { Redactor } from "../lib/redact.ts";
import { TminusError } from "../errors.ts";
import type { OpenEnvironment } from "../engine/ports.ts";
import type { SignalSource } from "../model/signal-source.ts";
import { targetKinds } from "../providers/targets.ts";
import { openChannels } from "./channels.ts";
import { openScratch } from "./scratch.ts";
import { signalKinds } from "./signal-kinds.ts";
import { openSecrets, type Environment } from "./secrets.ts";
import type { EnvironmentContext } from "./run-context.ts";

export interface EnvironmentOptions {
  context: EnvironmentContext;
  processEnvironment: Environment;
  clock: Clock;
  /** Where console channels write. */
  writeLine: (line: string) => void;
}

/**
 * Opens everything that one environment names. Changes nothing by itself. `shutDown` stops what the target
 * runs on this machine. Throws SECRET_MISSING.
 */
export function openEnvironment(
  options: EnvironmentOptions,
): OpenEnvironment & { shutDown(): Promise<void> } {
  const { context, processEnvironment, clock, writeLine } = options;
  const redactor = new Redactor();
  const secret = openSecrets(context.projectDirectory, processEnvironment, redactor);
  const { environment } = context;
  for (const reference of Object.values(environment.variables)) secret(reference);

  const variables = (): Record<string, string> =>
    Object.fromEntries(
      Object.entries(environment.variables).map(([name, reference]) => [name, secret(reference).reveal()]),
    );
  const kind = targetKinds[context.target.kind];
  if (kind === undefined)
    throw new TminusError("RUNBOOK_INVALID", `there is no target kind ${context.target.kind}`);
  const opened = kind.open({
    environment: environment.name,
    config: context.target,
    stateDirectory: join(context.stateDirectory, "targets", environment.name),
    projectDirectory: context.projectDirectory,
    clock,
    redact: (text) => redactor.redact(text),
    variables,
  });
  const scratch = openScratch(processEnvironment);
  const channels = openChannels(context, { secret, writeLine });
  const sources: Record<string, SignalSource> = { ...opened.sources };
  const ports = {
    secret,
    clock,
    environment: environment.name,
    url: environment.url.replace(/\/+$/, ""),
    database: environment.database,
    projectDirectory: context.projectDirectory,
    variables,
    redact: (text: string) => redactor.redact(text),
  };
  for (const [name, { kind: sourceKind, ...settings }] of Object.entries(context.signals)) {
    const found = signalKinds[sourceKind];
    if (found === undefined)
      throw new TminusError("RUNBOOK_INVALID", `there is no kind of signal source ${sourceKind}`);
    sources[name] = found.open(name, settings, ports);
  }
  return {
    view: { ...environment, database: environment.database },
    target: opened.target,
    sources,
    channels,
    scratch,
    secret,
    variables,
    redactor,
    projectDirectory: context.projectDirectory,
    runDirectory: join(context.stateDirectory, "runs"),
    keepServing: () => opened.keepServing(variables()),
    async close() {
      await scratch.close();
      await opened.close();
    },
    shutDown: opened.shutDown,
  };
}
