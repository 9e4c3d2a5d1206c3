import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createControlServer, listenControl, replyMetrics } from "./control-server.ts";
import { loadDocument } from "./document-file.ts";
import { Edge } from "./edge.ts";
import { HistoryFile } from "./history-file.ts";
import { startHealthLoop } from "./health.ts";
import { EdgeProcess } from "./edge-process.ts";
import { linkedSocket, takeCounts, takeHistory } from "./inheritance.ts";
import { callEdge } from "./predecessor.ts";
import { ProcessLock } from "./process-lock.ts";
import { createPublicServer, listenPublic } from "./public-server.ts";
import { listenInherited, Succession, type SuccessorCommand } from "./succession.ts";

/** Exit code when another edge already runs on the same folder. */
const ALREADY_RUNS = 3;
/** A successor tries for half a second, because the lock of an edge that was just killed may take a moment to go. */
const LOCK_TRIES = 10;
const LOCK_PAUSE_MS = 50;

process.title = "tminus-edge";
process.umask(0o077);
await main();

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      host: { type: "string", default: "127.0.0.1" },
      port: { type: "string" },
      document: { type: "string" },
      "socket-folder": { type: "string" },
      "history-folder": { type: "string" },
      "metrics-port": { type: "string" },
      "trust-forwarded": { type: "boolean", default: false },
      replace: { type: "boolean", default: false },
      "drain-ms": { type: "string", default: "30000" },
    },
  });
  const { document: documentFile, "socket-folder": folder, "history-folder": historyFolder } = values;
  if (values.port === undefined || documentFile === undefined)
    throw new Error("--port and --document are needed");
  if (folder === undefined || historyFolder === undefined)
    throw new Error("--socket-folder and --history-folder are needed");
  const predecessor = values.replace ? await takeOver(folder) : undefined;
  const lock = new ProcessLock([`folder ${folder}`, `port ${values.port}`]);
  if (!(await acquire(lock, values.replace ? LOCK_TRIES : 1))) {
    log(`another edge already runs here or serves port ${values.port}`);
    process.exit(ALREADY_RUNS);
  }
  const edge = new Edge({ documentFile, trustForwarded: values["trust-forwarded"] });
  edge.apply(await loadDocument(documentFile));
  const history = new HistoryFile(historyFolder, log);
  const former = predecessor ?? linkedSocket(folder);
  const lastSpan = await takeHistory(edge, former, history, log);
  const server = createPublicServer(edge);
  const wanted = { host: values.host, port: Number(values.port) };
  if (!(await listenInherited(server, wanted))) await listenPublic(server, wanted);
  const { port } = server.address() as AddressInfo;
  if (former !== undefined && lastSpan !== undefined) await takeCounts(edge, former, lastSpan, log);
  edge.spans.onClosed = (span) => {
    if (!edge.counts.isGiven) history.append(span);
  };
  edge.spans.run();
  const self = new EdgeProcess(edge, server, lock, folder);
  const address = { host: values.host, port };
  const succession = new Succession(server, address);
  const lifecycle = {
    ...address,
    startSuccessor: (command: SuccessorCommand) => succession.start(command),
    handOver: () => self.handOver(),
    quit: (deadlineMs: number) => self.quit(deadlineMs),
  };
  await listenControl(createControlServer(edge, lifecycle), folder);
  if (values["metrics-port"] !== undefined)
    self.closeAlso(listenMetrics(edge, Number(values["metrics-port"])));
  startHealthLoop(edge.routing);
  // from here on traffic depends on this process, so an unforeseen error in one request must not end it
  process.on("uncaughtException", (error) => log(`unexpected: ${error.stack ?? String(error)}`));
  process.on("SIGTERM", () => self.quit(Number(values["drain-ms"])));
  log(`listening on ${values.host}:${port}, generation ${edge.document.generation}`);
  if (predecessor !== undefined) await dismiss(predecessor, Number(values["drain-ms"]));
}

/** Asks the edge that started this one to make way; returns its own socket, undefined when it does not answer. */
async function takeOver(folder: string): Promise<string | undefined> {
  const socket = join(folder, `edge-${process.ppid}.sock`);
  try {
    await callEdge(socket, "/hand-over", {});
    return socket;
  } catch (error) {
    log(`the former edge did not answer: ${String(error)}`); // if it runs all the same, it holds the lock
    return undefined;
  }
}

async function dismiss(predecessor: string, deadlineMs: number): Promise<void> {
  try {
    await callEdge(predecessor, "/quit", { deadlineMs });
  } catch (error) {
    // it is gone, or leaves by itself when it finds that this process holds the lock
    log(`the former edge did not answer: ${String(error)}`);
  }
}

async function acquire(lock: ProcessLock, tries: number): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    if (await lock.acquire()) return true;
    if (attempt >= tries) return false;
    await new Promise((resolve) => setTimeout(resolve, LOCK_PAUSE_MS));
  }
}

function listenMetrics(edge: Edge, port: number): Server {
  const server = createServer((req, res) => {
    if (req.method === "GET" && req.url === "/metrics") return void replyMetrics(edge, res);
    res.writeHead(404).end();
  });
  // a port in use must not keep the edge from serving
  server.on("error", (error) => log(`no metrics on port ${port}: ${error.message}`));
  server.listen({ host: "127.0.0.1", port, reusePort: process.platform === "linux" });
  return server;
}

function log(text: string): void {
  process.stderr.write(`${new Date().toISOString()} edge ${process.pid} ${text}\n`);
}
