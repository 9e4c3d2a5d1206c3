import { readdir, readFile, symlink } from "node:fs/promises";
import { Agent } from "node:http";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { identify, isAlive, sendSignal } from "../../../../src/lib/process.ts";
import { EdgeClient } from "../../../../src/providers/local/edge-client.ts";
import { replaceEdge, type EdgeSettings } from "../../../../src/providers/local/edge-launcher.ts";
import { successorCommandOf } from "../../../../src/providers/local/edge/succession.ts";
import { freePort } from "../../../../src/providers/local/free-port.ts";
import { ask, documentOf, Rig, routeTo, until } from "../rig.ts";

const rig = new Rig();
afterEach(() => rig.cleanUp());

async function serving() {
  const folder = await rig.folder();
  const app = await rig.app("v1", folder);
  const edge = await rig.edge(folder);
  const { client, layout } = edge.context;
  const put = (generation: number) =>
    client.putDocument(documentOf(generation, [routeTo("v1", app.port, 100)]));
  await put(1);
  const replace = (change: Partial<EdgeSettings> = {}) =>
    replaceEdge(edge.context, { ...edge.settings, ...change });
  /** Starts this program, instead of an edge, as the successor. */
  const startProgram = (argv: string[]) =>
    client.startSuccessor({ argv, cwd: folder, env: {}, logFile: layout.edgeLog });
  const log = () => readFile(layout.edgeLog, "utf8");
  /** Processes that have or had a control socket and still run. */
  const edges = async () => {
    const pids = (await readdir(layout.sockets)).map((name) => Number(/^edge-(\d+)/.exec(name)?.[1]));
    return pids.filter((pid) => identify(pid) !== undefined);
  };
  return { ...edge, client, put, replace, startProgram, log, edges };
}

/** Requests without end, each on a connection of its own; `stop` gives what was not answered. */
function startNewConnections(port: number): { asked: () => number; stop: () => Promise<string[]> } {
  const load = { isRunning: true };
  let asked = 0;
  const lost: string[] = [];
  const client = async (): Promise<void> => {
    while (load.isRunning) {
      const { status, body } = await ask(port, "/");
      asked += 1;
      if (status !== 200) lost.push(`${status} ${body}`);
    }
  };
  const clients = Promise.all(Array.from({ length: 16 }, client));
  return {
    asked: () => asked,
    stop: async () => {
      load.isRunning = false;
      await clients;
      return lost;
    },
  };
}

/** Asks for the public socket, as a successor does, and ends when it has it. */
const TAKES_AND_ENDS = `
  process.once("message", (message, socket) => {
    console.log(socket === undefined ? "has none" : "has the socket");
    process.exit();
  });
  process.send({ host: process.argv[1], port: Number(process.argv[2]) });`;

describe("an edge that is replaced", () => {
  it("answers or hands over each new connection", async () => {
    const { port, status, replace } = await serving();
    const load = startNewConnections(port);
    const pids = new Set([status.pid]);
    for (let round = 0; round < 6; round++) {
      pids.add((await replace()).pid);
      const before = load.asked();
      await until(() => load.asked() > before + 50);
    }
    expect(await load.stop()).toEqual([]);
    expect(pids.size).toBe(7);
  });

  it("serves on when its successor cannot start, and takes changes again", async () => {
    const { port, status, client, put, replace, log } = await serving();
    const load = startNewConnections(port);
    const notOurs = "203.0.113.1"; // an address for documentation
    await expect(replace({ host: notOurs })).rejects.toMatchObject({
      code: "TARGET_CONFLICT",
      message: expect.stringContaining("EADDRNOTAVAIL") as string,
    });
    await until(async () => (await put(2)).result === "accepted");
    expect((await client.status())?.pid).toBe(status.pid);
    expect((await replace()).pid).not.toBe(status.pid);
    expect(await load.stop()).toEqual([]);
    expect(await log()).not.toContain("unexpected");
  });

  it("says of a program that is not there why it could not be started", async () => {
    const { port, startProgram } = await serving();
    await expect(startProgram(["/no/such/program"])).rejects.toMatchObject({
      code: "TARGET_CONFLICT",
      message: expect.stringContaining("ENOENT") as string,
    });
    expect((await ask(port, "/")).status).toBe(200);
  });

  it("serves on when its successor ends as soon as it has the socket", async () => {
    const { port, settings, startProgram, status, replace, log } = await serving();
    const load = startNewConnections(port);
    for (let turn = 0; turn < 3; turn++) {
      const argv = [process.execPath, "-e", TAKES_AND_ENDS, settings.host, String(port)];
      const successor = (await startProgram(argv))!;
      await until(() => !isAlive(successor));
    }
    expect((await log()).match(/has the socket/g)).toHaveLength(3);
    const before = load.asked();
    await until(() => load.asked() > before + 50);
    expect((await replace()).pid).not.toBe(status.pid);
    expect(await load.stop()).toEqual([]);
  });

  it("gives its socket to one successor, and tells whoever wants another about that one", async () => {
    const { startProgram } = await serving();
    const first = (await startProgram(["sleep", "60"]))!;
    rig.defer(() => sendSignal(first, "SIGKILL"));
    expect(await startProgram(["sleep", "61"])).toEqual(first);
    sendSignal(first, "SIGKILL");
    await until(() => !isAlive(first));
    const second = (await startProgram(["sleep", "62"]))!;
    rig.defer(() => sendSignal(second, "SIGKILL"));
    expect(second.pid).not.toBe(first.pid);
  });

  it("leaves one edge when two controllers replace it at once", async () => {
    const { port, status, client, replace, edges } = await serving();
    const load = startNewConnections(port);
    const started = await Promise.all([replace(), replace()]);
    expect(await load.stop()).toEqual([]);
    const { pid } = (await client.status())!;
    expect(pid).not.toBe(status.pid);
    expect(started.map((one) => one.pid)).toContain(pid);
    await until(async () => (await edges()).length === 1);
    expect(await edges()).toEqual([pid]);
  });

  it("makes way for one at another port or host, which has a socket of its own", async () => {
    const { port, replace } = await serving();
    const everywhere = await replace({ host: "0.0.0.0" });
    expect(everywhere).toMatchObject({ host: "0.0.0.0", port });
    await until(async () => (await ask(port, "/")).status === 200);
    const other = await freePort("127.0.0.1", "another port");
    expect(await replace({ port: other })).toMatchObject({ host: "127.0.0.1", port: other });
    expect((await ask(other, "/")).status).toBe(200);
    await until(async () => (await ask(port, "/")).status === 0);
  });

  it("is no part of its successor's life: that has a session of its own and serves on alone", async () => {
    const { port, status, replace } = await serving();
    const { pid } = await replace();
    await until(() => identify(status.pid) === undefined);
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    const [, , group, session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    expect([group, session]).toEqual([String(pid), String(pid)]);
    expect((await ask(port, "/")).status).toBe(200);
  });
});

describe("an edge that is killed while it is being replaced", () => {
  type World = Awaited<ReturnType<typeof serving>>;

  /** Undefined while there is none. */
  async function successorOf(pid: number): Promise<number | undefined> {
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
    return children === "" ? undefined : Number(children);
  }

  async function killWhen(world: World, isTime: () => Promise<boolean>): Promise<void> {
    const { port, status, client, replace, edges } = world;
    const replaced = replace();
    await until(isTime);
    const successor = (await successorOf(status.pid))!;
    sendSignal(identify(status.pid)!, "SIGKILL");
    const { pid, document } = await replaced;
    expect(pid).not.toBe(status.pid);
    expect(document.generation).toBe(1);
    expect((await ask(port, "/")).status).toBe(200);
    expect((await client.status())?.pid).toBe(pid);
    await until(async () => (await edges()).length === 1);
    await until(() => pid === successor || identify(successor) === undefined);
  }

  it("is followed by another when its successor has only just begun", async () => {
    const world = await serving();
    await killWhen(world, async () => (await successorOf(world.status.pid)) !== undefined);
  });

  it("is followed by its successor when it has made way", async () => {
    const world = await serving();
    const agent = new Agent({ keepAlive: true }); // because of it the edge does not leave by itself
    rig.defer(() => agent.destroy());
    await ask(world.port, "/", { agent });
    const { sockets } = world.context.layout;
    const folder = await rig.folder();
    await symlink(join(sockets, `edge-${world.status.pid}.sock`), join(folder, "control.sock"));
    const own = new EdgeClient(folder);
    const same = (await own.status())!.document;
    await killWhen(world, async () => (await own.putDocument(same)).result === "busy");
  });
});

describe("the command of a successor", () => {
  const command = { argv: ["node", "main.ts"], cwd: "/", env: { PATH: "/bin" }, logFile: "/log" };

  it("is taken as it was sent", () => {
    expect(successorCommandOf(JSON.parse(JSON.stringify(command)))).toEqual(command);
  });

  it.each([
    null,
    {},
    { ...command, argv: "node main.ts" },
    { ...command, argv: [1] },
    { ...command, env: { PATH: 1 } },
    { ...command, env: null },
    { ...command, cwd: undefined },
    { ...command, logFile: 1 },
  ])("is refused when it cannot be one: %j", (value) => {
    expect(() => successorCommandOf(value)).toThrow(/argv|env|cwd/);
  });
});
