import type { GateVerdict } from "../model/gate-kind.ts";

/** It could not be found out: neither a pass nor a failure. */
export function unknown(reason: string, fix: string): GateVerdict {
  return { verdict: "unknown", reason, fix };
}
