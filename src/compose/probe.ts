import { request } from "../lib/http.ts";
import type { ProbeAnswer } from "../engine/ports.ts";

/** The header in which a target says which release answered. */
const RELEASE_HEADER = "x-tminus-release";

/** Asks a public URL once, without cookies and on a new connection, so that any release with traffic may answer. No answer within `timeoutMs` is `silent`. */
export async function probe(url: string, timeoutMs: number, signal: AbortSignal): Promise<ProbeAnswer> {
  const answer = await request({ url, method: "GET", timeoutMs, signal, fresh: true });
  switch (answer.kind) {
    case "response":
      return { state: "answered", status: answer.status, release: answer.headers[RELEASE_HEADER] };
    case "network-error":
      return { state: "silent", reason: answer.reason };
    case "timeout":
      return { state: "silent", reason: `no answer within ${timeoutMs} ms` };
  }
}
