import { existsSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../src/lib/process.ts";
import { openTcpBridge } from "./tcp-bridge.ts";

const PROGRAM = join(import.meta.dirname, "../..", "node_modules/@supabase/cli-linux-x64/bin/supabase");

/** The platform's binary is an optional package. */
export const hasSupabaseCli = existsSync(PROGRAM);

/** The real Supabase CLI on one project folder and one database. */
export interface SupabaseCli extends AsyncDisposable {
  /** Versions with a file and no row, and with a row and no file. */
  list(): Promise<{ pending: string[]; missing: string[]; applied: string[] }>;
  push(): Promise<CliAnswer>;
  /** What push would do. */
  dryRun(): Promise<CliAnswer>;
}

export interface CliAnswer {
  ok: boolean;
  output: string;
}

/** Keeps the CLI from the network: every proxy that it might use refuses. Its settings go into the project folder. */
export async function openSupabaseCli(project: string, socketUrl: string): Promise<SupabaseCli> {
  const bridge = await openTcpBridge(socketUrl);
  const call = async (...args: string[]): Promise<CliAnswer> => {
    const { exitCode, startError, output } = await run(
      [PROGRAM, ...args, `--remote=${bridge.url}`, "--yes", "--agent", "no", "--output-format", "json"],
      { cwd: project, env: environment(project), timeoutMs: 60_000 },
    );
    if (startError !== undefined) throw new Error(startError);
    return { ok: exitCode === 0, output };
  };
  return {
    async list() {
      const { ok, output } = await call("migration", "list");
      const json = /^\{.*"migrations".*\}$/m.exec(output)?.[0];
      if (!ok || json === undefined) throw new Error(output);
      const { migrations } = JSON.parse(json) as { migrations: { local: string; remote: string }[] };
      const versions = (keep: (row: { local: string; remote: string }) => boolean): string[] =>
        migrations.filter(keep).map(({ local, remote }) => local || remote);
      return {
        pending: versions(({ remote }) => remote === ""),
        missing: versions(({ local }) => local === ""),
        applied: versions(({ local, remote }) => local !== "" && remote !== ""),
      };
    },
    push: () => call("db", "push", "--skip-vault"),
    dryRun: () => call("db", "push", "--skip-vault", "--dry-run"),
    [Symbol.asyncDispose]: () => bridge[Symbol.asyncDispose](),
  };
}

function environment(project: string): Record<string, string> {
  const nowhere = "http://127.0.0.1:9";
  return {
    PATH: process.env.PATH ?? "",
    HOME: join(project, "home"),
    DO_NOT_TRACK: "1",
    SUPABASE_TELEMETRY_DISABLED: "1",
    HTTP_PROXY: nowhere,
    HTTPS_PROXY: nowhere,
    ALL_PROXY: nowhere,
    NO_PROXY: "127.0.0.1",
  };
}
