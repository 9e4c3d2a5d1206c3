import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ProcessIdentity } from "../lib/process.ts";
import { writeFileAtomically } from "../lib/write-file.ts";
import type { ReleaseReport, Tally } from "./report.ts";

/** How far the demo has come. Written before each act, so that a demo that was killed goes on where it was. */
export interface Story {
  port: number;
  /** The process that plays the customers. */
  load?: ProcessIdentity;
  /** Only where it is built. */
  console?: Console;
  /** Only where it is installed. */
  prometheus?: Prometheus;
  chapters: Chapter[];
  finished: boolean;
}

/** The server with the console, for people to look at the story in a browser. */
export interface Console {
  port: number;
  user: string;
  /** Good for as long as the demo runs, on this machine. */
  password: string;
  process?: ProcessIdentity;
}

/** A real Prometheus that reads the metrics of the shop's proxy. */
export interface Prometheus {
  /** Where the proxy gives its metrics. */
  metricsPort: number;
  port: number;
  process?: ProcessIdentity;
}

export interface Chapter {
  release: string;
  /** What had been counted when the chapter began. */
  before: Tally;
  runId?: string;
  report?: ReleaseReport;
}

/** Files of the demo below its home folder. */
export interface DemoFiles {
  home: string;
  story: string;
  project: string;
  shopPostgres: string;
  loadReport: string;
  loadStop: string;
  loadAlive: string;
  loadLog: string;
}

export function demoFiles(home: string): DemoFiles {
  return {
    home,
    story: join(home, "story.json"),
    project: join(home, "project"),
    shopPostgres: join(home, "shop-postgres"),
    loadReport: join(home, "load.json"),
    loadStop: join(home, "load.stop"),
    loadAlive: join(home, "load.alive"),
    loadLog: join(home, "load.log"),
  };
}

export function readStory(files: DemoFiles): Story | undefined {
  if (!existsSync(files.story)) return undefined;
  return JSON.parse(readFileSync(files.story, "utf8")) as Story;
}

export function writeStory(files: DemoFiles, story: Story): void {
  mkdirSync(files.home, { recursive: true });
  writeFileAtomically(files.story, JSON.stringify(story));
}
