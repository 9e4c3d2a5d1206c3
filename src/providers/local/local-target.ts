import { access, constants } from "node:fs/promises";
import { delimiter, join, resolve } from "node:path";
import { TminusError } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import { crashPoint } from "../../lib/crash-point.ts";
import { formatDuration, parseDuration } from "../../lib/duration.ts";
import type {
  DeployTarget,
  Fence,
  StagedRelease,
  StageOptions,
  TargetCapabilities,
  TrafficState,
} from "../../model/ports.ts";
import type { Observed, Verdict } from "../../model/verdict.ts";
import type { EdgeDocument, EdgeMode, EdgeRoute } from "./edge/document.ts";
import { pinHeader, releaseHeader } from "./edge/headers.ts";
import type { EdgeControl } from "./edge-control.ts";
import { fingerprintPaths } from "./fingerprint.ts";
import { isPortFree } from "./free-port.ts";
import type { InstanceRecord } from "./instance-store.ts";
import type { Instances } from "./instances.ts";
import type { LocalTargetConfig } from "./schema.ts";
import {
  assertShares,
  routesForShares,
  sharesOf,
  surplus,
  withInstance,
  withoutInstance,
} from "./traffic.ts";

const HEALTH_TRIES = 5;
const HEALTH_PAUSE_MS = 100;

/** The built-in target: processes on this machine, with the edge in front of them. */
export class LocalTarget implements DeployTarget {
  readonly kind: string = "local";
  readonly capabilities: TargetCapabilities;
  readonly #config: LocalTargetConfig;
  readonly #projectDirectory: string;
  readonly #clock: Clock;
  readonly #instances: Instances;
  readonly #edge: EdgeControl;

  constructor(options: {
    config: LocalTargetConfig;
    projectDirectory: string;
    clock: Clock;
    instances: Instances;
    edge: EdgeControl;
  }) {
    this.#config = options.config;
    this.#projectDirectory = options.projectDirectory;
    this.#clock = options.clock;
    this.#instances = options.instances;
    this.#edge = options.edge;
    this.capabilities = { traffic: "percent", warmRollback: options.config.keepWarm > 0 };
  }

  async precheck(release: string): Promise<Verdict> {
    if (!isReleaseName(release)) return fail(`"${release}" cannot be the name of a release folder`);
    const directory = this.#directoryOf(release);
    if (!(await isReadable(directory, constants.R_OK | constants.X_OK)))
      return fail(`${directory} is not a readable folder`);
    const program = this.#config.command[0]!;
    if (!(await isProgram(program, directory))) return fail(`the program ${program} was not found`);
    const { host, port } = this.#config;
    try {
      if (await this.#edge.isRunning()) return pass(`the edge answers and ${directory} is there`);
      if (await isPortFree(host, port))
        return pass(`port ${port} is free for the edge and ${directory} is there`);
      return fail(`another program listens on port ${port}`);
    } catch (error) {
      return { verdict: "unknown", reason: error instanceof Error ? error.message : String(error) };
    }
  }

  async fingerprint(release: string): Promise<string> {
    const shared = this.#config.shared.map((path) => resolve(this.#projectDirectory, path));
    return fingerprintPaths([this.#directoryOf(release), ...shared]);
  }

  async traffic(): Promise<Observed<TrafficState>> {
    let document: EdgeDocument;
    try {
      document = await this.#edge.document();
    } catch (error) {
      return { state: "unknown", reason: error instanceof Error ? error.message : String(error) };
    }
    const routes = sharesOf(document.routes);
    if (routes.length === 0) return { state: "absent" };
    return { state: "present", value: { generation: document.generation, routes } };
  }

  async findStaged(key: string): Promise<Observed<StagedRelease>> {
    return this.#observe(async () => {
      const record = await this.#instances.find(key);
      return record === undefined ? [] : [record];
    });
  }

  async findRelease(release: string): Promise<Observed<StagedRelease>> {
    return this.#observe(async () =>
      (await this.#instances.list()).filter((record) => record.release === release),
    );
  }

  async stage(key: string, release: string, options: StageOptions): Promise<StagedRelease> {
    if (!isReleaseName(release)) {
      throw new TminusError("TARGET_CONFLICT", `"${release}" cannot be the name of a release folder`);
    }
    await this.#edge.ensure(options.fence);
    const record = await this.#instances.start(key, release, options);
    const document = await this.#edge.change(options.fence, options.signal, (current) => ({
      ...current,
      routes: withInstance(current.routes, record),
    }));
    return this.#staged(record, document);
  }

  async unstage(key: string, options: StageOptions): Promise<void> {
    const record = await this.#instances.find(key);
    if (record === undefined) return;
    await this.#remove(record, options);
  }

  async shift(shares: TrafficState["routes"], fence: Fence, signal: AbortSignal): Promise<TrafficState> {
    assertShares(shares);
    await this.#edge.ensure(fence);
    const serving: { record: InstanceRecord; percent: number }[] = [];
    for (const { release, percent } of shares) {
      if (percent > 0) serving.push({ record: await this.#serving(release, signal), percent });
    }
    const records = await this.#instances.list();
    crashPoint("target.before-shift", describeShares(shares));
    const document = await this.#edge.change(fence, signal, (current) => ({
      ...current,
      routes: routesForShares(current.routes, serving, records),
    }));
    crashPoint("target.after-shift", describeShares(shares));
    return { generation: document.generation, routes: sharesOf(document.routes) };
  }

  async retire(keep: readonly string[], options: StageOptions): Promise<string[]> {
    const { routes } = await this.#edge.ensure(options.fence);
    const records = await this.#instances.list();
    const healthy = new Map<string, boolean>();
    for (const record of records) healthy.set(record.instance, await this.#instances.isHealthy(record));
    const leaving = surplus({ records, routes, healthy, keep, keepWarm: this.#config.keepWarm });
    for (const record of leaving) await this.#remove(record, options);
    const left = new Set((await this.#instances.list()).map((record) => record.release));
    return [...new Set(leaving.map((record) => record.release))].filter((release) => !left.has(release));
  }

  /**
   * Changes what the edge does with requests; "pause" holds them for at most `holdMs` (up to 5 minutes). Safe
   * to repeat. Errors: TARGET_CONFLICT, TARGET_UNREACHABLE.
   */
  async setMode(mode: EdgeMode, holdMs: number, fence: Fence, signal: AbortSignal): Promise<void> {
    await this.#edge.change(fence, signal, (current) => ({ ...current, mode, holdMs }));
  }

  async #remove(record: InstanceRecord, options: StageOptions): Promise<void> {
    const assertIdle = (routes: EdgeRoute[]): void => {
      const route = routes.find((one) => one.instance === record.instance);
      if (route === undefined || route.weightPercent === 0) return;
      throw new TminusError(
        "TARGET_CONFLICT",
        `${record.instance} still has ${route.weightPercent} % of the traffic`,
        {
          hint: "Move its traffic to another release first.",
        },
      );
    };
    crashPoint("target.before-retire", record.key);
    await this.#edge.change(options.fence, options.signal, (current) => {
      assertIdle(current.routes);
      return { ...current, routes: withoutInstance(current.routes, record.instance) };
    });
    const drainMs = parseDuration(this.#config.drainDeadline)!;
    const left = await this.#edge.drain(record.instance, drainMs, options.signal);
    if (left > 0) options.progress(`${left} requests were still under way after ${formatDuration(drainMs)}`);
    await this.#instances.stop(record);
    options.progress(`stopped ${record.instance}`);
    crashPoint("target.after-retire", record.key);
  }

  /** The newest healthy instance of a release; asked a few times, so that one slow answer does not stop a rollback. */
  async #serving(release: string, signal: AbortSignal): Promise<InstanceRecord> {
    for (let attempt = 1; ; attempt++) {
      const records = (await this.#instances.list()).filter((record) => record.release === release);
      for (const record of records) if (await this.#instances.isHealthy(record)) return record;
      if (records.length === 0 || attempt === HEALTH_TRIES) break;
      await this.#clock.sleep(HEALTH_PAUSE_MS, signal);
    }
    throw new TminusError("TARGET_CONFLICT", `no instance of ${release} is running and healthy`, {
      hint: `Stage ${release} before giving it traffic.`,
    });
  }

  async #observe(candidates: () => Promise<InstanceRecord[]>): Promise<Observed<StagedRelease>> {
    try {
      const document = await this.#edge.document();
      for (const record of await candidates()) {
        // staged means known to the edge too: otherwise the address would not lead there
        const routed = document.routes.some(
          (route) => route.instance === record.instance && route.port === record.port,
        );
        if (routed && (await this.#instances.isHealthy(record))) {
          return { state: "present", value: this.#staged(record, document) };
        }
      }
      // one that starts or ails counts as absent: staging it again adopts it
      return { state: "absent" };
    } catch (error) {
      return { state: "unknown", reason: error instanceof Error ? error.message : String(error) };
    }
  }

  #staged(record: InstanceRecord, document: EdgeDocument): StagedRelease {
    return {
      release: record.release,
      reference: record.instance,
      url: publicUrl(this.#config),
      headers: { [releaseHeader]: record.release, [pinHeader]: document.pinToken },
    };
  }

  #directoryOf(release: string): string {
    return resolve(this.#projectDirectory, this.#config.directory.replaceAll("{release}", release));
  }
}

/** Where the edge can be asked from this machine. */
function publicUrl({ host, port }: LocalTargetConfig): string {
  const everywhere = host === "0.0.0.0" || host === "::";
  const name = everywhere ? "127.0.0.1" : host;
  return `http://${name.includes(":") ? `[${name}]` : name}:${port}`;
}

/** Release names become folder names, so they must not lead elsewhere. */
function isReleaseName(release: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$/.test(release);
}

async function isProgram(program: string, directory: string): Promise<boolean> {
  if (program.includes("/")) return isReadable(resolve(directory, program), constants.X_OK);
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    if (folder !== "" && (await isReadable(join(folder, program), constants.X_OK))) return true;
  }
  return false;
}

async function isReadable(path: string, mode: number): Promise<boolean> {
  try {
    await access(path, mode);
    return true;
  } catch {
    return false; // whatever the reason, it cannot be used
  }
}

function describeShares(shares: TrafficState["routes"]): string {
  return shares.map(({ release, percent }) => `${release}=${percent}`).join(",");
}

function pass(reason: string): Verdict {
  return { verdict: "pass", reason };
}

function fail(reason: string): Verdict {
  return { verdict: "fail", reason };
}
