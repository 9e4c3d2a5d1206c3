import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { toErrorRecord } from "../errors.ts";
import { every, systemClock } from "../lib/clock.ts";
import { definedOnly } from "../lib/defined-only.ts";
import { request } from "../lib/http.ts";
import { randomText } from "../lib/id.ts";
import { isAlive, spawnDetached, terminate } from "../lib/process.ts";
import { programFile } from "../lib/program-file.ts";
import { Secret } from "../lib/redact.ts";
import { uncheckedActor } from "../model/actor.ts";
import type { Tminus } from "../model/tminus.ts";
import { freePort } from "./free-port.ts";
import { writeStory, type Console, type DemoFiles, type Story } from "./story.ts";

const LOOK_EVERY_MS = 100;
const READY_MS = 60_000;
const ENDS_MS = 10_000;
/** More often nobody kills it: then it cannot run. */
const MAX_RESTARTS = 20;
/** Nobody else is asked for anything by this address. */
const REQUESTS_PER_MINUTE = "6000";

export interface ConsolePorts {
  environment: Record<string, string | undefined>;
  say(line: string): void;
}

/** A port and a user for the console; undefined where it is not built. */
export async function planConsole(): Promise<Console | undefined> {
  const index = fileURLToPath(new URL("../../web/dist/index.html", import.meta.url));
  if (!existsSync(index)) return undefined;
  return { port: await freePort(), user: "demo", password: `${randomText(6)}-${randomText(6)}` };
}

/**
 * Starts the server, which is the worker as well, when it does not run; waits until it answers and says where that is. From then
 * on a server that ends, however, is started again, until the returned function is called, which leaves it running.
 */
export async function keepConsole(
  tminus: Tminus,
  story: Story,
  files: DemoFiles,
  ports: ConsolePorts,
): Promise<() => Promise<void>> {
  const { console: planned } = story;
  if (planned === undefined) return async () => undefined;
  await ensureUser(tminus, planned);
  await ensureServer(planned, story, files, ports);
  const url = urlOf(planned);
  ports.say(`console: ${url}  sign in as ${planned.user} with the password ${planned.password}`);
  let restarting: Promise<void> | undefined;
  let restarts = 0;
  const stop = every(LOOK_EVERY_MS, () => {
    if (restarting !== undefined || (planned.process !== undefined && isAlive(planned.process))) return;
    if (++restarts > MAX_RESTARTS) return;
    restarting = startAgain(planned, story, files, ports).finally(() => (restarting = undefined));
    if (restarts === MAX_RESTARTS)
      ports.say(`a server that ends again is left alone; see ${join(files.home, "server.log")}`);
  });
  return async () => {
    stop();
    await restarting;
  };
}

async function startAgain(
  planned: Console,
  story: Story,
  files: DemoFiles,
  ports: ConsolePorts,
): Promise<void> {
  const begunMs = systemClock.monotonicMs();
  try {
    await ensureServer(planned, story, files, ports);
    const seconds = ((systemClock.monotonicMs() - begunMs) / 1000).toFixed(1);
    ports.say(`the server ended, and is back after ${seconds} s`);
  } catch (error) {
    ports.say(`the server cannot be started again: ${toErrorRecord(error).message}`);
  }
}

export async function endConsole({ console: planned }: Story): Promise<void> {
  if (planned?.process !== undefined) await terminate(planned.process, ENDS_MS);
}

export function urlOf({ port }: Console): string {
  return `http://127.0.0.1:${port}`;
}

async function ensureUser({ people }: Tminus, { user, password }: Console): Promise<void> {
  if (await people.hasUsers()) return;
  const roles = ["admin", "operator", "approver"] as const;
  await people.addUser(
    { name: user, emails: [], roles: [...roles] },
    { password: new Secret(password, "the demo's password") },
    uncheckedActor(user),
  );
}

async function ensureServer(
  planned: Console,
  story: Story,
  files: DemoFiles,
  { environment }: ConsolePorts,
): Promise<void> {
  if (planned.process === undefined || !isAlive(planned.process)) {
    const main = programFile("../cli/main", import.meta.url);
    const options = [
      "--port",
      String(planned.port),
      "--requests-per-minute",
      REQUESTS_PER_MINUTE,
      "--killable",
    ];
    // It is found in the folder as well; named, a list of processes says whose server it is.
    const runbook = ["--config", join(files.project, "tminus.yaml")];
    planned.process = await spawnDetached([process.execPath, main, ...runbook, "server", ...options], {
      cwd: files.project,
      env: definedOnly(environment),
      logFile: join(files.home, "server.log"),
    });
    writeStory(files, story);
  }
  const giveUpMs = systemClock.monotonicMs() + READY_MS;
  while (systemClock.monotonicMs() < giveUpMs) {
    const answer = await request({ url: `${urlOf(planned)}/readyz`, timeoutMs: 2_000, fresh: true });
    if (answer.kind === "response" && answer.status === 200) return;
    if (!isAlive(planned.process)) throw new Error(`it ended at once; see ${join(files.home, "server.log")}`);
    await systemClock.sleep(50);
  }
  throw new Error(`the server did not start; see ${join(files.home, "server.log")}`);
}
