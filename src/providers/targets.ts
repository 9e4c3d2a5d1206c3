import type * as z from "zod";
import type { Clock } from "../lib/clock.ts";
import type { SignalSource } from "../model/signal-source.ts";
import type { DeployTarget } from "../model/ports.ts";
import { commandTarget } from "./command/index.ts";
import { createLocalTarget, localTargetSchema } from "./local/index.ts";

export interface TargetOptions {
  environment: string;
  /** As written in the runbook; `{release}` is not replaced, because a target knows several releases. */
  config: unknown;
  stateDirectory: string;
  projectDirectory: string;
  clock: Clock;
  redact: (text: string) => string;
  /** The environment's variables, revealed. */
  variables: () => Record<string, string>;
}

export interface OpenTarget {
  target: DeployTarget;
  /** By name. */
  sources: Record<string, SignalSource>;
  /** Starts again what must serve and was killed. Called every moment while a run has the environment. */
  keepServing(variables: Record<string, string>): Promise<void>;
  close(): Promise<void>;
  /** Stops and forgets what the target runs on this machine. */
  shutDown(): Promise<void>;
}

export interface TargetKind {
  schema: z.ZodType;
  open(options: TargetOptions): OpenTarget;
}

/** Every kind of target that a runbook may name. */
export const targetKinds: Readonly<Record<string, TargetKind>> = {
  local: {
    schema: localTargetSchema,
    open: (options) => {
      const { target, source, close, shutdown, keepServing } = createLocalTarget({
        ...options,
        config: localTargetSchema.parse(options.config),
      });
      return {
        target,
        sources: { [source.name]: source },
        close,
        keepServing,
        shutDown: shutdown,
      };
    },
  },
  command: commandTarget,
};
