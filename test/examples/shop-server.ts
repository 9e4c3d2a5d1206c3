import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";

export const releasesFolder = join(import.meta.dirname, "../../examples/shop/releases");

export interface ShopServer {
  url: string;
  /** Everything it printed so far: one JSON object a line. */
  output(): string;
  signal(name: NodeJS.Signals): void;
  /** The exit code; null when a signal ended it. */
  exited: Promise<number | null>;
  /** Kills it if it still runs. Safe to repeat. */
  stop(): Promise<void>;
}

/** Starts a release on a free port and waits until it listens. */
export async function startShop(release: string, databaseUrl: string): Promise<ShopServer> {
  const child = spawn(process.execPath, ["server.mjs"], {
    cwd: join(releasesFolder, release),
    env: { PORT: "0", DATABASE_URL: databaseUrl, RELEASE_ID: release },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  let output = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output += text));
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      const found = /"event":"listening".*"port":(\d+)/.exec(output);
      if (found !== null) resolve(Number(found[1]));
    });
    void exited.then((code) => reject(new Error(`the shop ended with ${code}: ${output}`)));
  });
  return {
    url: `http://127.0.0.1:${port}`,
    output: () => output,
    signal: (name) => void child.kill(name),
    exited,
    stop: () => kill(child, exited),
  };
}

/** Runs the `up` (or, in reverse, the `down`) sections of a release's migrations, each in a transaction. */
export async function migrate(
  release: string,
  databaseUrl: string,
  section: "up" | "down" = "up",
): Promise<void> {
  const folder = join(releasesFolder, release, "migrations");
  const files = readdirSync(folder).sort();
  if (section === "down") files.reverse();
  const client = new pg.Client(databaseUrl);
  await client.connect();
  try {
    for (const file of files) {
      const [, up = "", down = ""] = readFileSync(join(folder, file), "utf8").split(
        /^-- tminus: (?:up|down)$/m,
      );
      await client.query(`BEGIN; ${section === "up" ? up : down} COMMIT;`);
    }
  } finally {
    await client.end();
  }
}

async function kill(child: ChildProcess, exited: Promise<number | null>): Promise<void> {
  child.kill("SIGKILL");
  await exited;
}
