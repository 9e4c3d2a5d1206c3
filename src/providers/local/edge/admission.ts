import type { IncomingMessage, ServerResponse } from "node:http";
import type { EdgeMode } from "./document.ts";

const MAX_HELD = 10_000;
const RETRY_AFTER_SECONDS = "30";
const MAINTENANCE_PAGE = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Down for maintenance</title></head>
<body><h1>Down for maintenance</h1><p>This service is being worked on and will be back shortly.</p></body></html>
`;

export interface Refusal {
  type: string;
  body: string;
}

interface Held {
  go: () => void;
  refuse: () => void;
  timer: NodeJS.Timeout;
}

/** Decides by the mode whether a request may pass now, later, or not at all. */
export class Admission {
  readonly #held = new Set<Held>();
  #mode: EdgeMode = "normal";
  #holdMs = 0;

  get heldCount(): number {
    return this.#held.size;
  }

  /** Held requests go on at once when the new mode lets them. */
  setMode(mode: EdgeMode, holdMs: number): void {
    this.#mode = mode;
    this.#holdMs = holdMs;
    if (mode === "pause") return;
    for (const held of this.#held) this.#release(held, held.go);
  }

  /**
   * Undefined when the request may pass, "hold" when it must wait, else what to answer with 503. `mayBypass`
   * is asked only in maintenance: an operator's own checks must work while the public is kept out.
   */
  judge(req: IncomingMessage, mayBypass: () => boolean): "hold" | Refusal | undefined {
    switch (this.#mode) {
      case "normal":
        return undefined;
      case "readonly":
        return isSafe(req.method) ? undefined : text("This service is read-only at the moment.\n");
      case "pause":
        return this.#held.size < MAX_HELD ? "hold" : text("Too many requests are waiting.\n");
      case "maintenance":
        return mayBypass() ? undefined : { type: "text/html; charset=utf-8", body: MAINTENANCE_PAGE };
      default:
        return assertNever(this.#mode);
    }
  }

  /** Calls `go` when the mode changes, or answers 503 after the hold limit. Forgets it when the client goes away. */
  hold(res: ServerResponse, go: () => void): void {
    const held: Held = {
      go,
      refuse: () => refuse(res, text("This service is paused for a moment.\n")),
      timer: setTimeout(() => this.#release(held, held.refuse), this.#holdMs),
    };
    this.#held.add(held);
    res.once("close", () => this.#release(held, () => undefined));
  }

  #release(held: Held, then: () => void): void {
    if (!this.#held.delete(held)) return;
    clearTimeout(held.timer);
    then();
  }
}

/** Answers 503 and asks to come back later. */
export function refuse(res: ServerResponse, refusal: Refusal): void {
  res.writeHead(503, {
    "Content-Type": refusal.type,
    "Content-Length": Buffer.byteLength(refusal.body),
    "Retry-After": RETRY_AFTER_SECONDS,
    "Cache-Control": "no-store",
  });
  res.end(refusal.body);
}

function text(body: string): Refusal {
  return { type: "text/plain; charset=utf-8", body };
}

function isSafe(method: string | undefined): boolean {
  return method === "GET" || method === "HEAD" || method === "OPTIONS";
}

function assertNever(value: never): never {
  throw new Error(`unexpected mode ${String(value)}`);
}
