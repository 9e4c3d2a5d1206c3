import type { ErrorCode } from "../error-codes.ts";
import { TminusError } from "../errors.ts";
import { sha256 } from "../lib/hash.ts";
import type { DeployTarget, Fence, StagedRelease, TargetCapabilities, TrafficState } from "../model/ports.ts";

export type FakeTargetVerb =
  | "precheck"
  | "fingerprint"
  | "traffic"
  | "findStaged"
  | "findRelease"
  | "stage"
  | "unstage"
  | "shift"
  | "retire";

export interface FakeTargetOptions {
  capabilities?: TargetCapabilities;
  /** What is live at first; each release gets a running instance. Nothing when left out. */
  routes?: TrafficState["routes"];
  /** Releases that run without traffic at first. */
  warm?: string[];
  /** Releases that exist and can be deployed; every release when left out. */
  releases?: string[];
}

export interface FakeInstance {
  key: string;
  release: string;
  healthy: boolean;
}

/** A deploy target in memory that keeps the port's promises: keyed staging, fences, health. */
export interface FakeTarget extends DeployTarget {
  /** Every call that changes something, in order: "stage v2", "shift v2=10 v1=90". */
  readonly changes: string[];
  instances(): readonly FakeInstance[];
  routes(): TrafficState["routes"];
  /** Changes what a release's instances answer from now on, running ones and those staged later. */
  setHealthy(release: string, healthy: boolean): void;
  /**
   * The next call of `verb` fails with `code`: "before" it did anything, or "after" it took effect.
   * Reads that answer with a value answer "unknown" instead when the code is TARGET_UNREACHABLE.
   */
  failNext(verb: FakeTargetVerb, when: "before" | "after", code: ErrorCode): void;
}

export function createFakeTarget(options: FakeTargetOptions = {}): FakeTarget {
  return new InMemoryTarget(options);
}

class InMemoryTarget implements FakeTarget {
  readonly kind = "fake";
  readonly capabilities: TargetCapabilities;
  readonly changes: string[] = [];
  #instances: FakeInstance[] = [];
  #traffic: TrafficState = { generation: 0, routes: [] };
  readonly #fences = new Map<string, number>();
  readonly #sick = new Set<string>();
  readonly #faults: { verb: FakeTargetVerb; when: "before" | "after"; code: ErrorCode }[] = [];
  readonly #releases: string[] | undefined;

  constructor(options: FakeTargetOptions) {
    this.capabilities = options.capabilities ?? { traffic: "percent", warmRollback: true };
    this.#releases = options.releases;
    const running = [...(options.routes ?? []).map(({ release }) => release), ...(options.warm ?? [])];
    for (const release of running)
      this.#instances.push({ key: `earlier-${release}`, release, healthy: true });
    if (options.routes !== undefined)
      this.#traffic = { generation: 1, routes: structuredClone(options.routes) };
  }

  instances(): readonly FakeInstance[] {
    return this.#instances;
  }

  routes(): TrafficState["routes"] {
    return structuredClone(this.#traffic.routes);
  }

  setHealthy(release: string, healthy: boolean): void {
    if (healthy) this.#sick.delete(release);
    else this.#sick.add(release);
    for (const instance of this.#instances) if (instance.release === release) instance.healthy = healthy;
  }

  failNext(verb: FakeTargetVerb, when: "before" | "after", code: ErrorCode): void {
    this.#faults.push({ verb, when, code });
  }

  async precheck(release: string): Promise<Awaited<ReturnType<DeployTarget["precheck"]>>> {
    if (this.#takeFault("precheck", "before") !== undefined)
      return { verdict: "unknown", reason: UNREACHABLE };
    if (this.#releases?.includes(release) === false)
      return { verdict: "fail", reason: `there are no files of ${release}` };
    return { verdict: "pass", reason: `${release} can be deployed` };
  }

  async fingerprint(release: string): Promise<string> {
    this.#failIfAsked("fingerprint", "before");
    return sha256(release);
  }

  async traffic(): ReturnType<DeployTarget["traffic"]> {
    if (this.#takeFault("traffic", "before") !== undefined) return { state: "unknown", reason: UNREACHABLE };
    if (this.#traffic.generation === 0) return { state: "absent" };
    return { state: "present", value: structuredClone(this.#traffic) };
  }

  async findStaged(key: string): ReturnType<DeployTarget["findStaged"]> {
    return this.#find("findStaged", (instance) => instance.key === key);
  }

  async findRelease(release: string): ReturnType<DeployTarget["findRelease"]> {
    return this.#find("findRelease", (instance) => instance.release === release);
  }

  async stage(key: string, release: string, { fence }: { fence: Fence }): Promise<StagedRelease> {
    this.#failIfAsked("stage", "before");
    this.#checkFence(fence);
    let instance = this.#instances.find((one) => one.key === key);
    if (instance === undefined) {
      this.changes.push(`stage ${release}`);
      if (this.#sick.has(release))
        throw new TminusError("TARGET_UNHEALTHY", `${release} did not become healthy`);
      instance = { key, release, healthy: true };
      this.#instances.push(instance);
      if (this.capabilities.traffic === "none") this.#route([{ release, percent: 100 }]);
    }
    this.#failIfAsked("stage", "after");
    return stagedView(instance);
  }

  async unstage(key: string, { fence }: { fence: Fence }): Promise<void> {
    this.#failIfAsked("unstage", "before");
    this.#checkFence(fence);
    const instance = this.#instances.find((one) => one.key === key);
    if (instance !== undefined) {
      const others = this.#instances.some((one) => one !== instance && one.release === instance.release);
      if (!others && this.#hasTraffic(instance.release))
        throw new TminusError("TARGET_CONFLICT", `${instance.release} still has traffic`);
      this.changes.push(`unstage ${instance.release}`);
      this.#instances = this.#instances.filter((one) => one !== instance);
    }
    this.#failIfAsked("unstage", "after");
  }

  async shift(routes: TrafficState["routes"], fence: Fence): Promise<TrafficState> {
    this.#failIfAsked("shift", "before");
    this.#checkFence(fence);
    for (const { release } of routes) {
      if (!this.#instances.some((one) => one.release === release && one.healthy))
        throw new TminusError("TARGET_CONFLICT", `${release} is not running and healthy`);
    }
    if (JSON.stringify(routes) !== JSON.stringify(this.#traffic.routes)) {
      this.changes.push(`shift ${routes.map(({ release, percent }) => `${release}=${percent}`).join(" ")}`);
      this.#route(structuredClone(routes));
    }
    this.#failIfAsked("shift", "after");
    return structuredClone(this.#traffic);
  }

  async retire(keep: readonly string[], { fence }: { fence: Fence }): Promise<string[]> {
    this.#failIfAsked("retire", "before");
    this.#checkFence(fence);
    const stopped = this.#instances.filter(
      ({ release }) => !keep.includes(release) && !this.#hasTraffic(release),
    );
    this.#instances = this.#instances.filter((instance) => !stopped.includes(instance));
    for (const { release } of stopped) this.changes.push(`retire ${release}`);
    this.#failIfAsked("retire", "after");
    return stopped.map(({ release }) => release);
  }

  #route(routes: TrafficState["routes"]): void {
    this.#traffic = { generation: this.#traffic.generation + 1, routes };
  }

  #hasTraffic(release: string): boolean {
    return this.#traffic.routes.some((route) => route.release === release && route.percent > 0);
  }

  #find(
    verb: "findStaged" | "findRelease",
    matches: (instance: FakeInstance) => boolean,
  ): Awaited<ReturnType<DeployTarget["findStaged"]>> {
    if (this.#takeFault(verb, "before") !== undefined) return { state: "unknown", reason: UNREACHABLE };
    const found = this.#instances.find((instance) => matches(instance) && instance.healthy);
    return found === undefined ? { state: "absent" } : { state: "present", value: stagedView(found) };
  }

  #checkFence({ environment, token }: Fence): void {
    const newest = this.#fences.get(environment) ?? 0;
    if (token < newest)
      throw new TminusError("TARGET_CONFLICT", `the fencing token ${token} is older than ${newest}`);
    this.#fences.set(environment, token);
  }

  #takeFault(verb: FakeTargetVerb, when: "before" | "after"): ErrorCode | undefined {
    const index = this.#faults.findIndex((fault) => fault.verb === verb && fault.when === when);
    return index === -1 ? undefined : this.#faults.splice(index, 1)[0]!.code;
  }

  #failIfAsked(verb: FakeTargetVerb, when: "before" | "after"): void {
    const code = this.#takeFault(verb, when);
    if (code !== undefined) throw new TminusError(code, `${verb} was told to fail`);
  }
}

const UNREACHABLE = "the target did not answer";

function stagedView({ key, release }: FakeInstance): StagedRelease {
  return {
    release,
    reference: `${release}-${key}`,
    url: "http://127.0.0.1:9",
    headers: { "x-release": release },
  };
}
