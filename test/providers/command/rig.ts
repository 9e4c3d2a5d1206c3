import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../src/lib/clock.ts";
import type { DeployTarget, StageOptions } from "../../../src/model/ports.ts";
import { commandTargetSchema, createCommandTarget } from "../../../src/providers/command/index.ts";
import { processesNaming, type RunningProcess } from "../../support/processes.ts";

/**
 * A verb and a release as arguments: notes the call, and does what files say: "hang" as long as it is there,
 * "fail-v2" is the exit code. Otherwise the release is live, unless "idle" is there.
 */
const CHANGE = `#!/bin/sh
printf '%s %s key=%s fence=%s\\n' "$1" "$2" "$TMINUS_KEY" "$TMINUS_FENCE" >>calls
env >"environment-$1"
echo "changing to $2 with $TOKEN"
while [ -e hang ]; do sleep 0.02; done
[ -e "fail-$2" ] && exit "$(cat "fail-$2")"
[ "$1" = retire ] || [ -e idle ] || echo "$2" >live
`;
/** Prints what is live; "status" may hold another script. */
const STATUS = `#!/bin/sh
echo "a warning, not a release" >&2
[ -e status ] && exec sh ./status
[ -e live ] || exit 3
cat live
`;

export const SECRET = "hunter2secret";

/** A project folder with scripts for a command target. */
export class CommandRig {
  readonly folder = mkdtempSync(join(tmpdir(), "tminus-command-"));
  readonly state = join(this.folder, "state");

  constructor() {
    mkdirSync(this.state);
    this.write("change.sh", CHANGE);
    this.write("status.sh", STATUS);
    for (const name of ["change.sh", "status.sh"]) chmodSync(join(this.folder, name), 0o755);
  }

  open(extra: Record<string, unknown> = {}, variables = (): Record<string, string> => ({})): DeployTarget {
    const config = commandTargetSchema.parse({
      kind: "command",
      deploy: ["./change.sh", "deploy", "{release}", this.folder],
      rollback: ["./change.sh", "rollback", "{release}", this.folder],
      status: ["./status.sh"],
      statusTimeout: "10s",
      ...extra,
    });
    return createCommandTarget({
      environment: "test",
      config,
      stateDirectory: this.state,
      projectDirectory: this.folder,
      clock: systemClock,
      redact: (text) => text.replaceAll(SECRET, "***"),
      variables,
    });
  }

  write(name: string, content: string): void {
    writeFileSync(join(this.folder, name), content);
  }

  remove(name: string): void {
    rmSync(join(this.folder, name), { force: true });
  }

  has(name: string): boolean {
    return existsSync(join(this.folder, name));
  }

  /** Undefined when nothing is. */
  live(): string | undefined {
    const file = join(this.folder, "live");
    return existsSync(file) ? readFileSync(file, "utf8").trim() : undefined;
  }

  /** "deploy v1", in order. */
  calls(): string[] {
    return this.callLines().map((line) => line.split(" ").slice(0, 2).join(" "));
  }

  callLines(): string[] {
    const file = join(this.folder, "calls");
    return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
  }

  environmentOf(verb: string): Record<string, string> {
    const lines = readFileSync(join(this.folder, `environment-${verb}`), "utf8")
      .trim()
      .split("\n");
    return Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
  }

  recordText(): string {
    return readFileSync(this.#record, "utf8");
  }

  damageRecord(): void {
    writeFileSync(this.#record, '{"version":1,');
  }

  get #record(): string {
    return join(this.state, "command", "test", "record.json");
  }

  /** How many processes of this target's commands run now. */
  running(): number {
    return this.#processes().length;
  }

  /** The recorded process of the command that runs; it leads a process group. */
  recordedPid(): number {
    const record = JSON.parse(this.recordText()) as { running: { process: { pid: number } } };
    return record.running.process.pid;
  }

  #processes(): RunningProcess[] {
    return processesNaming(this.folder).filter(({ command }) => command.includes("change.sh"));
  }

  /** Lets go of what hangs and removes everything. */
  async close(): Promise<void> {
    this.remove("hang");
    const giveUpMs = systemClock.monotonicMs() + 10_000;
    while (this.running() > 0 && systemClock.monotonicMs() < giveUpMs) await systemClock.sleep(20);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function stageOptions(extra: Partial<StageOptions> = {}, token = 1): StageOptions {
  return {
    fence: { environment: "test", token },
    signal: new AbortController().signal,
    variables: { TOKEN: SECRET },
    progress: () => undefined,
    ...extra,
  };
}

export const all = (release: string) => [{ release, percent: 100 }];
