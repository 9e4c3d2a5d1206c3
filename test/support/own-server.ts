import { existsSync, readdirSync } from "node:fs";
import { chown, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run, spawnDetached, terminate } from "../../src/lib/process.ts";
import { systemClock } from "../../src/lib/clock.ts";

const PASSWORD = "pass word@/%";
const DEBIAN = "/usr/lib/postgresql";
/** nobody: the server refuses to run as root. */
const UNPRIVILEGED = 65534;

/** Folder of the newest server with its clients that Debian's packages brought; undefined without any. */
export function serverPrograms(): string | undefined {
  const majors = existsSync(DEBIAN) ? readdirSync(DEBIAN).filter((name) => /^\d+$/.test(name)) : [];
  return majors
    .toSorted((one, other) => Number(other) - Number(one))
    .map((major) => join(DEBIAN, major, "bin"))
    .find((folder) =>
      ["postgres", "initdb", "pg_dump", "pg_restore"].every((name) => existsSync(join(folder, name))),
    );
}

/** A server of those programs on a free port of the loopback, gone with its data when disposed of. */
export async function startServer(programs: string): Promise<AsyncDisposable & { url: string }> {
  return startOn(programs, async (place) => {
    const passwordFile = join(place.folder, "password");
    await writeFile(passwordFile, PASSWORD, { mode: 0o644 });
    const initdb = [
      join(programs, "initdb"),
      `--pgdata=${place.data}`,
      "--username=postgres",
      "--encoding=UTF8",
    ];
    await make(place, [...initdb, "--no-sync", "--auth=scram-sha-256", `--pwfile=${passwordFile}`]);
  });
}

/** A replica of the server at that address, which follows it until disposed of. */
export async function startStandby(
  programs: string,
  primaryUrl: string,
): Promise<AsyncDisposable & { url: string }> {
  return startOn(programs, async (place) => {
    const copy = [join(programs, "pg_basebackup"), `--dbname=${primaryUrl}`, `--pgdata=${place.data}`];
    await make(place, [...copy, "--write-recovery-conf", "--no-sync", "--checkpoint=fast"]);
  });
}

interface Place {
  folder: string;
  data: string;
  owner: { uid?: number; gid?: number };
}

const env = { PATH: "/usr/bin:/bin", LC_ALL: "C.UTF-8" };

async function make({ folder, owner }: Place, argv: readonly string[]): Promise<void> {
  const made = await run(argv, { ...owner, env, cwd: folder, timeoutMs: 60_000 });
  if (made.exitCode !== 0) throw new Error(made.output);
}

async function startOn(
  programs: string,
  fill: (place: Place) => Promise<void>,
): Promise<AsyncDisposable & { url: string }> {
  const folder = await mkdtemp(join(tmpdir(), "tminus-own-server-"));
  const owner = process.getuid?.() === 0 ? { uid: UNPRIVILEGED, gid: UNPRIVILEGED } : {};
  if (owner.uid !== undefined) await chown(folder, UNPRIVILEGED, UNPRIVILEGED);
  const data = join(folder, "data");
  const port = await freePort();
  await fill({ folder, data, owner });
  const log = join(folder, "log");
  const server = await spawnDetached(
    [join(programs, "postgres"), "-D", data, "-p", String(port), "-h", "127.0.0.1", "-k", folder, "-F"],
    { ...owner, env, cwd: folder, logFile: log },
  );
  for (let tries = 0; ; tries++) {
    const { exitCode } = await run([join(programs, "pg_isready"), "-h", "127.0.0.1", "-p", String(port)], {
      env,
      timeoutMs: 5_000,
    });
    if (exitCode === 0) break;
    if (tries > 200) throw new Error(await readFile(log, "utf8"));
    await systemClock.sleep(50);
  }
  return {
    url: `postgres://postgres:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/postgres`,
    async [Symbol.asyncDispose]() {
      await terminate(server, 10_000);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}
