import { parentPort, workerData } from "node:worker_threads";
import { PEERS } from "./watch-peers.ts";
import { simulateCell, type Cell } from "./watch-simulation.ts";

/** A worker thread: simulates its cells one after another and answers with their outcomes. */
parentPort!.postMessage(
  (workerData as Cell[]).map((cell) => simulateCell(cell, PEERS)),
  [],
);
