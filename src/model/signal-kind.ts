import type * as z from "zod";
import type { Clock } from "../lib/clock.ts";
import type { Secret } from "../lib/redact.ts";
import type { SignalSource } from "./signal-source.ts";

export interface SignalPorts {
  /** Throws SECRET_MISSING. */
  secret: (reference: string) => Secret;
  clock: Clock;
  /** Name of the environment. */
  environment: string;
  /** Public address of the environment, without a slash at the end. */
  url: string;
  /** Reference of the environment's database. */
  database: string | undefined;
  projectDirectory: string;
  /** The environment's variables, revealed. */
  variables: () => Record<string, string>;
  redact: (text: string) => string;
}

/** A kind of source that a runbook may name under `signals`. */
export interface SignalKind {
  /** One sentence for the documentation page. */
  summary: string;
  /** What rules can look at, as they write it, and what it is: for the page. Left out where the settings name it all. */
  measures?: Readonly<Record<string, string>>;
  /** More paragraphs for the page: what a reader must know before relying on it. */
  notes?: readonly string[];
  /** Settings as YAML, checked by a test and shown on the page. */
  example: string;
  /** Of the source's settings beside its kind. */
  schema: z.ZodType;
  /** `settings` as written or as parsed. Opens no connection yet. Errors: SECRET_MISSING. */
  open(name: string, settings: unknown, ports: SignalPorts): SignalSource;
}
