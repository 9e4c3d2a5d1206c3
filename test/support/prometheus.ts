import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { request } from "../../src/lib/http.ts";
import { identify, run, sendSignal, spawnDetached, terminate } from "../../src/lib/process.ts";
import { freePort } from "../../src/providers/local/free-port.ts";
import { eventually } from "./processes.ts";

const PATH = process.env.PATH ?? "";

/** Whether the program is installed. */
export async function hasPrometheus(): Promise<boolean> {
  return (await run(["prometheus", "--version"], { env: { PATH }, timeoutMs: 10_000 })).exitCode === 0;
}

export interface PrometheusServer {
  /** Without a slash at the end. */
  url: string;
  /** Ends it at once; what it stored stays. */
  kill(): Promise<void>;
  /** Starts it again at the same address, with what it had stored. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** A real Prometheus that scrapes this address (host:port) under the job "app" every second. */
export function openPrometheus(target: string): Promise<PrometheusServer> {
  return startPrometheus(`scrape_configs:
  - job_name: app
    scrape_interval: 1s
    scrape_timeout: 1s
    static_configs: [{ targets: ["${target}"] }]
`);
}

/** A real Prometheus that scrapes nothing, and has these samples: OpenMetrics text with times, in order of time. */
export function openPrometheusWith(samples: string): Promise<PrometheusServer> {
  return startPrometheus("{}\n", samples);
}

/** A real Prometheus with this configuration, and these samples in OpenMetrics text. */
export async function startPrometheus(configuration: string, samples?: string): Promise<PrometheusServer> {
  const directory = await mkdtemp(join(tmpdir(), "tminus-prometheus-"));
  const port = await freePort("127.0.0.1", directory);
  const config = join(directory, "prometheus.yml");
  const log = join(directory, "log");
  await writeFile(config, configuration);
  if (samples !== undefined) await importSamples(directory, samples);
  const argv = [
    "prometheus",
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(directory, "data")}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  const start = () => spawnDetached(argv, { cwd: directory, env: { PATH }, logFile: log });
  let server = await start();
  const close = async (): Promise<void> => {
    if (identify(server.pid) !== undefined) await terminate(server, 10_000);
    await rm(directory, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${port}`;
  const isReady = (): Promise<void> =>
    eventually("Prometheus is ready", async () => {
      if (identify(server.pid) === undefined) throw new Error(await readFile(log, "utf8"));
      const answer = await request({ url: `${url}/-/ready`, timeoutMs: 2000 });
      return answer.kind === "response" && answer.status === 200;
    });
  try {
    await isReady();
  } catch (error) {
    await close();
    throw error;
  }
  const kill = async (): Promise<void> => {
    sendSignal(server, "SIGKILL");
    await eventually("Prometheus has ended", () => identify(server.pid) === undefined);
  };
  const restart = async (): Promise<void> => {
    server = await start();
    await isReady();
  };
  return { url, kill, restart, close };
}

async function importSamples(directory: string, samples: string): Promise<void> {
  const file = join(directory, "samples.txt");
  await writeFile(file, samples);
  const { exitCode, output } = await run(
    ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--quiet", file, join(directory, "data")],
    { env: { PATH }, timeoutMs: 60_000 },
  );
  if (exitCode !== 0) throw new Error(output);
}
