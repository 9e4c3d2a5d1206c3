import { rm } from "node:fs/promises";
import type { Clock } from "../../lib/clock.ts";
import { parseDuration } from "../../lib/duration.ts";
import { identify, terminate } from "../../lib/process.ts";
import type { SignalSource } from "../../model/signal-source.ts";
import { EdgeClient } from "./edge-client.ts";
import { EdgeControl } from "./edge-control.ts";
import { EdgeSource } from "./edge-source.ts";
import { Instances } from "./instances.ts";
import { createKeepServing } from "./keep-serving.ts";
import { createLayout } from "./layout.ts";
import { LocalTarget } from "./local-target.ts";
import type { LocalTargetConfig } from "./schema.ts";

export { localTargetSchema, type LocalTargetConfig } from "./schema.ts";

const EDGE_STOP_GRACE_MS = 2_000;

export interface LocalTargetOptions {
  environment: string;
  config: LocalTargetConfig;
  /** Folder for everything that must outlive this process. */
  stateDirectory: string;
  /** What relative folders in the configuration are relative to. */
  projectDirectory: string;
  clock: Clock;
  /** Masks secret values in what applications print. */
  redact: (text: string) => string;
}

export interface LocalTargetHandle {
  target: LocalTarget;
  source: SignalSource;
  /** Starts the edge again if releases have traffic but no edge runs. Returns whether it did. */
  restoreEdge: () => Promise<boolean>;
  /** Starts again what must serve and has ended by itself: the edge, and instances with traffic or standing by. */
  keepServing: (variables: Record<string, string>) => Promise<void>;
  /** Puts a new process in the edge's place without losing a request. */
  replaceEdge: () => Promise<void>;
  /** Lets go of the target; the edge and the instances go on serving. */
  close: () => Promise<void>;
  /** Stops the edge and every instance, and forgets them. The public gets no answer from then on. */
  shutdown: () => Promise<void>;
}

/** The target of one environment. Creates its folders; starts nothing until something is staged. */
export function createLocalTarget(options: LocalTargetOptions): LocalTargetHandle {
  const { environment, config, projectDirectory, clock, redact } = options;
  const layout = createLayout(options.stateDirectory, environment);
  const client = new EdgeClient(layout.sockets);
  const instances = new Instances({ config, layout, projectDirectory, clock, redact });
  const { host, port, trustForwarded, metricsPort } = config;
  const drainMs = parseDuration(config.drainDeadline)!;
  const settings = { host, port, trustForwarded, metricsPort, drainMs };
  const edge = new EdgeControl({ environment, layout, client, clock, settings });
  return {
    target: new LocalTarget({ config, projectDirectory, clock, instances, edge }),
    source: new EdgeSource(client, clock),
    restoreEdge: () => edge.restore(),
    keepServing: createKeepServing({ layout, instances, edge, clock }),
    replaceEdge: () => edge.replace(),
    close: async () => undefined,
    shutdown: async () => {
      for (const pid of await client.quit(0)) {
        const identity = identify(pid);
        if (identity !== undefined) await terminate(identity, EDGE_STOP_GRACE_MS);
      }
      await Promise.all((await instances.list()).map((record) => instances.stop(record)));
      await Promise.all(
        [layout.document, layout.sockets, layout.edgeHistory].map((path) =>
          rm(path, { recursive: true, force: true }),
        ),
      );
    },
  };
}
