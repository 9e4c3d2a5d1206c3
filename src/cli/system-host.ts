import { userInfo } from "node:os";
import type { WriteStream } from "node:tty";
import { TminusError } from "../errors.ts";
import { every, systemClock } from "../lib/clock.ts";
import { Redactor, Secret } from "../lib/redact.ts";
import type { Tminus } from "../model/tminus.ts";
import type { Host, OpenOptions, Sink } from "./host.ts";

/** Used where nobody says how wide the screen is. */
const DEFAULT_COLUMNS = 100;
const DEFAULT_ROWS = 40;

/**
 * The process as it is. From now on nothing but the host's stdout reaches the real one: what libraries print
 * goes to stderr, because stdout is read by programs.
 */
export function systemHost(): Host {
  return {
    directory: process.cwd(),
    environment: process.env,
    clock: systemClock,
    stdout: reservedStdout(),
    stderr: sinkOf(process.stderr),
    isInputTty: process.stdin.isTTY,
    async ask(question, signal) {
      // Loaded here because few commands ask, and it takes some milliseconds.
      const { createInterface } = await import("node:readline/promises");
      const reader = createInterface({ input: process.stdin, output: process.stderr });
      try {
        const ended = new Promise<string>((resolve) => reader.once("close", () => resolve("")));
        return await Promise.race([reader.question(question, { signal }), ended]);
      } finally {
        reader.close();
      }
    },
    askSecret,
    onInterrupt(listener) {
      process.on("SIGINT", listener);
      process.on("SIGTERM", listener);
      return () => {
        process.off("SIGINT", listener);
        process.off("SIGTERM", listener);
      };
    },
    every,
    userName,
    async openTminus(options) {
      if (isElsewhere(options.environment)) return openElsewhere(options);
      const { openTminus } = await import("../compose.ts");
      return openTminus(options);
    },
    async openDatabase(options) {
      if (isElsewhere(options.environment) && options.reference === undefined) {
        const { notHere } = await import("../client/not-here.ts");
        throw notHere("what is done with the environment's database");
      }
      const { openDatabasePlace } = await import("../compose/database/place.ts");
      return openDatabasePlace(options);
    },
  };
}

/** Whether the project is that of a server elsewhere. */
function isElsewhere({ TMINUS_URL }: Host["environment"]): boolean {
  return TMINUS_URL !== undefined && TMINUS_URL !== "";
}

async function openElsewhere({ directory, configFile, environment, log }: OpenOptions): Promise<Tminus> {
  const [{ openRemote }, { openSecrets }] = await Promise.all([
    import("../client/open-remote.ts"),
    import("../compose/secrets.ts"),
  ]);
  if (configFile !== undefined)
    throw new TminusError("USAGE_INVALID", "--config names a runbook here, and TMINUS_URL a server", {
      hint: "Leave one of them out.",
    });
  const { TMINUS_URL: url = "", TMINUS_TOKEN: token = "" } = environment;
  const secret = openSecrets(directory, { ...environment }, new Redactor());
  const found = /^(env|file):/.test(token) ? secret(token) : new Secret(token, "TMINUS_TOKEN");
  return openRemote({ url, token: token === "" ? undefined : found, clock: systemClock, log });
}

/** The terminal's own echo is off while the reader has it, and what the reader would show goes nowhere. */
async function askSecret(question: string, signal: AbortSignal): Promise<string> {
  const [{ createInterface }, { Writable }] = await Promise.all([
    import("node:readline/promises"),
    import("node:stream"),
  ]);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input: process.stdin, output: nowhere, terminal: true, historySize: 0 });
  // In this mode the terminal sends no signal for Ctrl-C.
  reader.once("SIGINT", () => process.kill(process.pid, "SIGINT"));
  try {
    process.stderr.write(question);
    const ended = new Promise<string>((resolve) => reader.once("close", () => resolve("")));
    return await Promise.race([reader.question("", { signal }), ended]);
  } finally {
    reader.close();
    process.stderr.write("\n");
  }
}

function reservedStdout(): Sink {
  const { stdout, stderr } = process;
  const write = stdout.write.bind(stdout);
  stdout.write = stderr.write.bind(stderr);
  return { ...sinkOf(stdout), write: (text) => void write(text) };
}

function sinkOf(stream: WriteStream): Sink {
  // A reader that went away (tminus log | head) is no error: there is nobody left to tell.
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
  return {
    write: (text) => void stream.write(text),
    isTty: stream.isTTY,
    columns: () => (stream.isTTY ? Math.max(20, stream.columns || DEFAULT_COLUMNS) : DEFAULT_COLUMNS),
    rows: () => (stream.isTTY ? Math.max(5, stream.rows || DEFAULT_ROWS) : DEFAULT_ROWS),
  };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid-${process.getuid?.() ?? "unknown"}`; // the user has no entry in the system's list of users
  }
}
