import type { Server as HttpServer } from "node:http";
import { Server } from "node:net";
import { isAlive, spawnSharing, type DetachedOptions, type ProcessIdentity } from "../../../lib/process.ts";
import { listenOn, type PublicAddress } from "./public-server.ts";

/** How long the edge that started this one may take to answer about its socket. */
const ANSWER_LIMIT_MS = 5_000;

/** The program of a successor, as its controller wants it started. */
export interface SuccessorCommand extends Pick<DetachedOptions, "env" | "logFile"> {
  argv: string[];
  cwd: string;
}

/**
 * Starts the process that takes this one's place, as a child, because only a child can be given the socket that the
 * public connects to: connections that wait in its queue when this process closes it are accepted by the successor,
 * and those in the queue of a socket of its own would be reset.
 */
export class Succession {
  readonly #server: Server;
  readonly #address: PublicAddress;
  #latest: Promise<ProcessIdentity | undefined> = Promise.resolve(undefined);

  constructor(server: Server, address: PublicAddress) {
    this.#server = server;
    this.#address = address;
  }

  /** The successor, which may not have begun to serve. One at a time: while one runs no other is started. */
  async start(command: SuccessorCommand): Promise<ProcessIdentity> {
    const started = this.#startAfter(this.#latest, command);
    this.#latest = started.catch(() => undefined); // whoever asked for this one sees the failure; the next starts afresh
    return started;
  }

  async #startAfter(
    former: Promise<ProcessIdentity | undefined>,
    { argv, ...options }: SuccessorCommand,
  ): Promise<ProcessIdentity> {
    const running = await former;
    if (running !== undefined && isAlive(running)) return running;
    return spawnSharing(argv, options, (wanted) => this.#lend(wanted as PublicAddress));
  }

  #lend({ host, port }: PublicAddress): Server | undefined {
    const isSame = host === this.#address.host && port === this.#address.port;
    return isSame && this.#server.listening ? this.#server : undefined;
  }
}

/** Throws a plain Error when it is none. */
export function successorCommandOf(value: unknown): SuccessorCommand {
  const { argv, cwd, env, logFile } = (value ?? {}) as Partial<Record<keyof SuccessorCommand, unknown>>;
  const isText = (one: unknown): one is string => typeof one === "string";
  if (!Array.isArray(argv) || !argv.every(isText)) throw new Error("argv is no list of texts");
  if (typeof env !== "object" || env === null || !Object.values(env).every(isText))
    throw new Error("env has something else than texts");
  if (!isText(cwd) || !isText(logFile)) throw new Error("cwd and logFile are needed");
  return { argv, cwd, env: env as Record<string, string>, logFile };
}

/**
 * Makes the server listen on the socket of the edge that started this process. False when that one serves another
 * address, listens no more or has ended. Rejects when it does not answer.
 */
export function listenInherited(server: HttpServer, address: PublicAddress): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const finish = (outcome: boolean | Promise<boolean>): void => {
      clearTimeout(timer);
      process.off("message", onAnswer).off("disconnect", onEnd);
      if (process.connected) process.disconnect();
      resolve(outcome);
    };
    const onEnd = (): void => finish(false);
    const onAnswer = (_message: unknown, socket: unknown): void => {
      // at once, because connections are accepted from now on
      if (socket instanceof Server) finish(listenOn(server, socket).then(() => true));
      else finish(false);
    };
    const timer = setTimeout(() => {
      reject(new Error("the edge that started this one does not answer about its socket"));
    }, ANSWER_LIMIT_MS);
    if (!process.connected) return onEnd();
    process.once("message", onAnswer).once("disconnect", onEnd);
    process.send!(address, undefined, undefined, () => undefined); // if that fails it has ended, see "disconnect"
  });
}
