import { join, resolve } from "node:path";
import { TminusError } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import { crashPoint } from "../../lib/crash-point.ts";
import { parseDuration } from "../../lib/duration.ts";
import { sha256 } from "../../lib/hash.ts";
import { inheritedEnvironment } from "../../lib/inherited-environment.ts";
import { isAlive, spawnDetached, terminate, type ProcessIdentity } from "../../lib/process.ts";
import type { StageOptions } from "../../model/ports.ts";
import { freePort, isPortFree } from "./free-port.ts";
import { InstanceStore, type InstanceRecord } from "./instance-store.ts";
import { lastLines } from "./last-lines.ts";
import type { LocalLayout } from "./layout.ts";
import { findMarked, markVariable } from "./marked-processes.ts";
import { probeHealth } from "./probe-health.ts";
import type { LocalTargetConfig } from "./schema.ts";

const INSTANCE_HOST = "127.0.0.1";
const HEALTHY_IN_A_ROW = 3;
const HEALTH_PAUSE_MS = 50;
const LOG_LINES = 15;

export interface InstancesOptions {
  config: LocalTargetConfig;
  layout: LocalLayout;
  projectDirectory: string;
  clock: Clock;
  redact: (text: string) => string;
}

/** The application processes of one environment: started once per key, found again after a crash. */
export class Instances {
  readonly #options: InstancesOptions;
  readonly #store: InstanceStore;

  constructor(options: InstancesOptions) {
    this.#options = options;
    this.#store = new InstanceStore(options.layout.instances);
  }

  /** All known instances, the newest first, whether their process still runs or not. */
  list(): Promise<InstanceRecord[]> {
    return this.#store.list();
  }

  find(key: string): Promise<InstanceRecord | undefined> {
    return this.#store.read(key);
  }

  /** Whether the instance's process runs and its health path answers 200 now. */
  async isHealthy(record: InstanceRecord): Promise<boolean> {
    if ((await this.#processOf(record)) === undefined) return false;
    return (await probeHealth(record.host, record.port, this.#options.config.healthPath)).healthy;
  }

  /**
   * Starts the instance, or adopts what an earlier call with the key started, and waits until it is healthy.
   * Throws TARGET_UNHEALTHY after stopping it again, and the signal's reason without stopping it: whoever
   * takes over finds it by its key.
   */
  async start(key: string, release: string, options: StageOptions): Promise<InstanceRecord> {
    const { process, record } = await this.#startProcess(key, release, options);
    const problem = await this.#waitUntilHealthy(record, process, options);
    if (problem === undefined) {
      crashPoint("target.after-healthy", key);
      return record;
    }
    const output = this.#options.redact(await lastLines(this.#logFile(record), LOG_LINES));
    await this.stop(record);
    throw new TminusError(
      "TARGET_UNHEALTHY",
      `${record.instance} did not become healthy: ${problem}\n${output}`,
      {
        details: { instance: record.instance, release, problem },
      },
    );
  }

  /**
   * Starts an instance whose process has ended by itself again, at its old port, so that the edge finds it
   * there. Returns whether it did: not when the process runs, was never known, or another has the port.
   */
  async revive(record: InstanceRecord, variables: Record<string, string>): Promise<boolean> {
    if (record.process === undefined || isAlive(record.process)) return false;
    if (!(await isPortFree(record.host, record.port))) return false;
    const process = await this.#spawn(record, variables);
    await this.#store.write({ ...record, process });
    return true;
  }

  /** Ends the instance's processes, its children too, and forgets it. Safe to repeat. */
  async stop(record: InstanceRecord): Promise<void> {
    const graceMs = parseDuration(this.#options.config.stopGrace)!;
    if (record.process !== undefined) await terminate(record.process, graceMs);
    for (const left of (await findMarked(this.#mark(record.key))) ?? []) await terminate(left, graceMs);
    await this.#store.remove(record.key);
  }

  async #startProcess(
    key: string,
    release: string,
    options: StageOptions,
  ): Promise<{ process: ProcessIdentity; record: InstanceRecord }> {
    const known = await this.#store.read(key);
    const running = known === undefined ? undefined : await this.#processOf(known);
    if (known !== undefined && running !== undefined) {
      options.progress(`found ${known.instance} already running (process ${running.pid})`);
      const record = { ...known, process: running };
      await this.#store.write(record);
      return { process: running, record };
    }
    const record = await this.#plannedRecord(key, release, known);
    await this.#store.write(record);
    crashPoint("target.before-spawn", key);
    const process = await this.#spawn(record, options.variables);
    crashPoint("target.after-spawn", key);
    const started = { ...record, process };
    await this.#store.write(started);
    options.progress(`started ${record.instance} (process ${process.pid}, port ${record.port})`);
    return { process, record: started };
  }

  async #plannedRecord(
    key: string,
    release: string,
    known: InstanceRecord | undefined,
  ): Promise<InstanceRecord> {
    const mark = this.#mark(key);
    return {
      key,
      instance: `${release}-${sha256(key).slice(0, 6)}`,
      release,
      host: INSTANCE_HOST,
      port: await freePort(INSTANCE_HOST, mark),
      stagedAtMs: known?.stagedAtMs ?? this.#options.clock.now().getTime(),
    };
  }

  async #spawn(record: InstanceRecord, variables: Record<string, string>): Promise<ProcessIdentity> {
    const { config, projectDirectory } = this.#options;
    const directory = resolve(projectDirectory, config.directory.replaceAll("{release}", record.release));
    try {
      return await spawnDetached(config.command, {
        cwd: directory,
        env: {
          ...inheritedEnvironment("TZ"),
          ...variables,
          PORT: String(record.port),
          HOST: record.host,
          RELEASE_ID: record.release,
          [markVariable]: this.#mark(record.key),
        },
        logFile: this.#logFile(record),
      });
    } catch (error) {
      if (record.process === undefined) await this.#store.remove(record.key);
      const reason = error instanceof Error ? error.message : String(error);
      throw new TminusError(
        "TARGET_UNHEALTHY",
        `${config.command[0]} could not be started in ${directory}: ${reason}`,
        {
          cause: error,
        },
      );
    }
  }

  /** Undefined when healthy, else what kept it from it. */
  async #waitUntilHealthy(
    record: InstanceRecord,
    process: ProcessIdentity,
    options: StageOptions,
  ): Promise<string | undefined> {
    const { config, clock } = this.#options;
    const until = clock.monotonicMs() + parseDuration(config.healthDeadline)!;
    let inARow = 0;
    let reason = "it was not asked yet";
    while (clock.monotonicMs() < until) {
      options.signal.throwIfAborted();
      if (!isAlive(process)) return "its process ended";
      const answer = await probeHealth(record.host, record.port, config.healthPath);
      inARow = answer.healthy ? inARow + 1 : 0;
      if (inARow === HEALTHY_IN_A_ROW && isAlive(process)) return undefined;
      if (!answer.healthy) reason = answer.reason;
      await clock.sleep(HEALTH_PAUSE_MS, options.signal);
    }
    return `not within ${config.healthDeadline}; last: ${reason}`;
  }

  /** The running process of a record. Undefined means that there certainly is none. */
  async #processOf(record: InstanceRecord): Promise<ProcessIdentity | undefined> {
    if (record.process !== undefined) return isAlive(record.process) ? record.process : undefined;
    const marked = await findMarked(this.#mark(record.key));
    if (marked !== undefined) return marked[0];
    if (await isPortFree(record.host, record.port)) return undefined;
    throw new TminusError(
      "TARGET_UNREACHABLE",
      `it is not known whether ${record.instance} was started: something listens on its port ${record.port}`,
    );
  }

  /** Keys are unique in one environment only, so the mark names the folder too. */
  #mark(key: string): string {
    return `${sha256(this.#options.layout.root).slice(0, 16)}:${key}`;
  }

  #logFile(record: InstanceRecord): string {
    return join(this.#options.layout.logs, `${record.instance}.log`);
  }
}
