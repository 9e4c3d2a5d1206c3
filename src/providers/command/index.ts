import type { Clock } from "../../lib/clock.ts";
import type { DeployTarget } from "../../model/ports.ts";
import { CommandRunner } from "./command-runner.ts";
import { CommandTarget } from "./command-target.ts";
import { commandTargetSchema, type CommandTargetConfig } from "./schema.ts";

export { commandTargetSchema, type CommandTargetConfig };

/** The kind's entry among the targets. Nothing of its runs on by itself, so there is nothing to keep or stop. */
export const commandTarget = {
  schema: commandTargetSchema,
  open: (options: Omit<CommandTargetOptions, "config"> & { config: unknown }) => ({
    target: createCommandTarget({ ...options, config: commandTargetSchema.parse(options.config) }),
    sources: {},
    keepServing: async () => undefined,
    close: async () => undefined,
    shutDown: async () => undefined,
  }),
};

export interface CommandTargetOptions {
  environment: string;
  config: CommandTargetConfig;
  /** Folder for what must outlive this process. */
  stateDirectory: string;
  /** Where commands run, and what relative paths in the configuration are relative to. */
  projectDirectory: string;
  clock: Clock;
  /** Masks secret values in what commands print. */
  redact: (text: string) => string;
  /** Variables, values revealed, for status and rollback, which get none from their caller; none when left out. */
  variables: () => Record<string, string>;
}

/** The target of one environment. Creates its folders; runs nothing until it is asked. */
export function createCommandTarget(options: CommandTargetOptions): DeployTarget {
  return new CommandTarget({ ...options, runner: new CommandRunner(options) });
}
