import { CommandLine, type StartedCommand } from "../../support/command-line.ts";
import type { ReleaseProject } from "../../support/release-project.ts";

/** A server as people start it, on a free port. */
export interface RunningServer {
  url: string;
  /** What makes the first user; undefined when there are users. */
  setUpCode: string | undefined;
  command: StartedCommand;
  /** Ends it as its supervisor does, and waits for its exit code. */
  stop(): Promise<number | undefined>;
}

/** Tests ask again and again. */
const MANY = ["--requests-per-minute", "100000"];

export async function startServer(
  project: ReleaseProject,
  args: readonly string[] = [],
  environment: Record<string, string> = {},
): Promise<RunningServer> {
  const line = new CommandLine(
    project.directory,
    project.environment({ TMINUS_START_WORKER: "0", ...environment }),
  );
  const command = line.start("server", "--port", "0", "--no-console", ...MANY, ...args);
  const [, url] = await command.until(/listening on (\S+)\n/);
  return {
    url: url!,
    setUpCode: /setup#(\S+)/.exec(command.stdout)?.[1],
    command,
    async stop() {
      command.kill("SIGTERM");
      return (await command.within(30_000)).exitCode;
    },
  };
}
