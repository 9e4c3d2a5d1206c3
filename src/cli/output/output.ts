import { TminusError, type ErrorRecord } from "../../errors.ts";
import type { RunEvent } from "../../model/run.ts";
import type { Style } from "../../report/text.ts";
import type { Host } from "../host.ts";
import { errorText } from "./error-text.ts";
import { eventJson, jsonLine } from "./json.ts";
import { styleFor } from "./style.ts";

export type OutputMode = "text" | "json" | "stream";

export interface OutputOptions {
  mode: OutputMode;
  isQuiet: boolean;
  isPlain: boolean;
  wantsColor: boolean;
}

/**
 * Where everything that a command says goes. The result is on stdout and everything else on stderr; with
 * JSON, stdout holds exactly one object (or, streamed, one object a line) whatever happens.
 */
export interface Output {
  mode: OutputMode;
  isQuiet: boolean;
  /** For what goes to stdout. */
  style: Style;
  columns: number;
  /** Whether stdout is a terminal on which lines may be painted over. */
  isLive: boolean;
  /** The result of the command, once. */
  result(value: object, lines: readonly string[]): void;
  /** Text that comes before the result: on stdout for people, on stderr beside JSON. Dropped by --quiet. */
  line(line: string): void;
  /** An event of a run, printed only when streaming. */
  event(event: RunEvent): void;
  /** Something about what is going on, on stderr. Dropped by --quiet. */
  note(line: string): void;
  error(error: ErrorRecord): void;
}

export function openOutput(host: Host, { mode, isQuiet, isPlain, wantsColor }: OutputOptions): Output {
  const { stdout, stderr, environment } = host;
  const styleOf = (isTty: boolean): Style => styleFor(isTty, wantsColor && !isPlain, environment);
  let hasResult = false;
  const claimStdout = (): void => {
    if (hasResult) throw new TminusError("INTERNAL", "a command printed two results");
    hasResult = true;
  };
  const note = (line: string): void => {
    if (!isQuiet) stderr.write(`${line}\n`);
  };
  return {
    mode,
    isQuiet,
    style: styleOf(stdout.isTty),
    columns: stdout.columns(),
    isLive: mode === "text" && stdout.isTty && !isPlain && !isQuiet && environment.TERM !== "dumb",
    result(value, lines) {
      if (mode !== "text") {
        claimStdout();
        stdout.write(jsonLine(mode === "stream" ? { kind: "result", ...value } : value));
      } else if (lines.length > 0) stdout.write(`${lines.join("\n")}\n`);
    },
    line(line) {
      if (mode !== "text") note(line);
      else if (!isQuiet) stdout.write(`${line}\n`);
    },
    event(event) {
      if (mode === "stream") stdout.write(jsonLine({ kind: "event", event: eventJson(event) }));
    },
    note,
    error(error) {
      if (mode === "text" || hasResult) {
        stderr.write(`${errorText(error, styleOf(stderr.isTty)).join("\n")}\n`);
        return;
      }
      claimStdout();
      stdout.write(jsonLine(mode === "stream" ? { kind: "result", error } : { error }));
    },
  };
}
