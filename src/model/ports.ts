import type { Observed, Verdict } from "./verdict.ts";

/**
 * Small interfaces through which steps reach the outside. Providers implement them; the engine hands them to
 * the steps. Calls throw TminusError TARGET_UNREACHABLE when it is not known whether they took effect.
 */

/** The right to change an environment: a change that carries an older token than the last one is refused. */
export interface Fence {
  environment: string;
  /** Grows with every execution that takes the environment. */
  token: number;
}

/** Which share of the traffic each release receives; shares are whole percents and add up to 100. */
export interface TrafficState {
  /** Grows by one with each change of the routes. */
  generation: number;
  routes: { release: string; percent: number }[];
}

export interface TargetCapabilities {
  /** "percent": traffic can be split between two releases. "none": a deploy takes all traffic at once. */
  traffic: "percent" | "none";
  /** Whether an earlier release stays able to take all traffic at once. */
  warmRollback: boolean;
}

export interface StagedRelease {
  release: string;
  /** The target's own name of what was started: "web-7f3a". */
  reference: string;
  /** Address at which the staged release alone can be asked, before it has any traffic. */
  url: string;
  /** Headers that make that address answer with the staged release. */
  headers: Record<string, string>;
}

/** Where an application runs and how traffic reaches it. */
export interface DeployTarget {
  readonly kind: string;
  readonly capabilities: TargetCapabilities;
  /** Reads only: whether the target could carry out a deploy of this release. */
  precheck(release: string): Promise<Verdict>;
  /** Content hash of what would be deployed (release files), so that a plan notices a change; the release's name where no files are known. The same for the same files wherever it is asked. Reads only. */
  fingerprint(release: string): Promise<string>;
  /** Reads only. "absent": nothing was ever deployed here. */
  traffic(): Promise<Observed<TrafficState>>;
  /** Reads only. What an earlier `stage` with this key left, if anything; "present" only when it is healthy. */
  findStaged(key: string): Promise<Observed<StagedRelease>>;
  /** Reads only. A running and healthy instance of a release, whoever staged it. */
  findRelease(release: string): Promise<Observed<StagedRelease>>;
  /**
   * Starts the release without traffic and resolves when it is healthy. Repeating it with the same key adopts
   * what the first call started. Errors: TARGET_UNHEALTHY (nothing is left running), TARGET_UNREACHABLE.
   */
  stage(key: string, release: string, options: StageOptions): Promise<StagedRelease>;
  /** Stops what `stage` started under this key, after draining. Refuses (TARGET_CONFLICT) while it has traffic. Safe to repeat. */
  unstage(key: string, options: StageOptions): Promise<void>;
  /**
   * Sets the shares. Resolves when no new request goes by the old ones. Safe to repeat with the same value.
   * Errors: TARGET_CONFLICT for an old token, or when a release in `routes` is not running and healthy.
   */
  shift(routes: TrafficState["routes"], fence: Fence, signal: AbortSignal): Promise<TrafficState>;
  /** Stops every instance that has no traffic except those of the releases named, after draining. Returns the releases stopped. */
  retire(keep: readonly string[], options: StageOptions): Promise<string[]>;
}

export interface StageOptions {
  fence: Fence;
  signal: AbortSignal;
  /** Environment variables of the application, values revealed. */
  variables: Record<string, string>;
  progress: (text: string) => void;
}

/** A place to tell people something. */
export interface NotificationChannel {
  readonly id: string;
  readonly kind: string;
  /**
   * Delivers once. `key` is the same for every try of one message, so that a receiver can drop a repeat.
   * Throws when it is not known to be delivered.
   */
  send(message: NotificationMessage, signal: AbortSignal): Promise<void>;
}

export interface NotificationMessage {
  key: string;
  title: string;
  text: string;
  facts: Record<string, string>;
}

/** A server of our own for throw-away databases: to rehearse in, to restore into. Never the one being changed. */
export interface ScratchServer {
  /**
   * A new, empty database of which we are superuser. proof: it is only filled and compared, so that its server may
   * do without a full write-ahead log. Errors: STATE_UNAVAILABLE, STATE_PLATFORM.
   */
  createDatabase(use?: "proof"): Promise<ScratchDatabase>;
}

/** Disposing ends every session in it and removes it. */
export interface ScratchDatabase extends AsyncDisposable {
  readonly connectionString: string;
}
