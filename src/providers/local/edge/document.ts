/** What the edge does with requests; a person's word for each is in the runbook. */
export type EdgeMode = "normal" | "readonly" | "pause" | "maintenance";

export interface EdgeRoute {
  /** Unique name of the running instance. */
  instance: string;
  release: string;
  host: string;
  port: number;
  /** Whole percent of the buckets; 0 keeps the instance reachable by pinned requests only. */
  weightPercent: number;
  /** Whether the instance may take over the traffic of another that is down although its own weight is 0. */
  standby: boolean;
}

/** The whole state of an edge. Its order matters: the first route takes the buckets from 0 up. */
export interface EdgeDocument {
  /** Grows by exactly one with each accepted change. */
  generation: number;
  /** Token of whoever wrote the document; a lower one is refused from then on. */
  fence: number;
  mode: EdgeMode;
  /** How long a request is held in mode "pause" before it is answered 503. */
  holdMs: number;
  /** Secret that a request must carry for its pinning header to count. */
  pinToken: string;
  routes: EdgeRoute[];
}

/** What the edge serves before anything was deployed. */
export const emptyDocument: EdgeDocument = {
  generation: 0,
  fence: 0,
  mode: "normal",
  holdMs: 10_000,
  pinToken: "",
  routes: [],
};

const MODES: readonly EdgeMode[] = ["normal", "readonly", "pause", "maintenance"];
const MAX_ROUTES = 64;
const MAX_HOLD_MS = 300_000;

/** Reads a document from JSON; throws a plain Error that says which member is wrong. */
export function parseDocument(value: unknown): EdgeDocument {
  const source = objectOf(value, "document");
  const document: EdgeDocument = {
    generation: integerOf(source.generation, "generation", 0, Number.MAX_SAFE_INTEGER),
    fence: integerOf(source.fence, "fence", 0, Number.MAX_SAFE_INTEGER),
    mode: modeOf(source.mode),
    holdMs: integerOf(source.holdMs, "holdMs", 0, MAX_HOLD_MS),
    pinToken: textOf(source.pinToken, "pinToken", 0, 200),
    routes: routesOf(source.routes),
  };
  assertNoExtra(source, Object.keys(document), "document");
  return document;
}

export type Decision =
  | { decision: "apply" }
  | { decision: "same" }
  | { decision: "conflict"; reason: string };

/**
 * Whether `next` may replace `current`. Repeating an accepted document is harmless, so that a lost answer
 * can be asked for again; anything else out of order is a conflict.
 */
export function decide(current: EdgeDocument, next: EdgeDocument): Decision {
  if (next.fence < current.fence) {
    return { decision: "conflict", reason: `fence ${next.fence} is older than ${current.fence}` };
  }
  if (next.generation === current.generation + 1) return { decision: "apply" };
  if (next.generation !== current.generation) {
    return {
      decision: "conflict",
      reason: `generation ${next.generation} does not follow ${current.generation}`,
    };
  }
  // parseDocument builds members in one order, so equal documents have equal text
  if (JSON.stringify(next) === JSON.stringify(current)) return { decision: "same" };
  return {
    decision: "conflict",
    reason: `generation ${next.generation} was already used for another document`,
  };
}

function routesOf(value: unknown): EdgeRoute[] {
  if (!Array.isArray(value) || value.length > MAX_ROUTES) {
    throw new Error(`routes must be a list of at most ${MAX_ROUTES}`);
  }
  const routes = value.map((item, index) => routeOf(item, `routes[${index}]`));
  if (new Set(routes.map((route) => route.instance)).size !== routes.length) {
    throw new Error("an instance is named twice in routes");
  }
  const total = routes.reduce((sum, route) => sum + route.weightPercent, 0);
  if (total !== 0 && total !== 100) throw new Error(`the weights add up to ${total}, not to 100 or 0`);
  return routes;
}

function routeOf(value: unknown, where: string): EdgeRoute {
  const source = objectOf(value, where);
  const route: EdgeRoute = {
    instance: textOf(source.instance, `${where}.instance`, 1, 200),
    release: headerTextOf(source.release, `${where}.release`),
    host: textOf(source.host, `${where}.host`, 1, 255),
    port: integerOf(source.port, `${where}.port`, 1, 65_535),
    weightPercent: integerOf(source.weightPercent, `${where}.weightPercent`, 0, 100),
    standby: booleanOf(source.standby, `${where}.standby`),
  };
  assertNoExtra(source, Object.keys(route), where);
  return route;
}

function objectOf(value: unknown, where: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error(`${where} must be an object`);
  }
  return value as Record<string, unknown>;
}

function assertNoExtra(source: Record<string, unknown>, known: string[], where: string): void {
  const extra = Object.keys(source).find((name) => !known.includes(name));
  if (extra !== undefined) throw new Error(`${where} has an unknown member ${extra}`);
}

function integerOf(value: unknown, where: string, min: number, max: number): number {
  if (!Number.isSafeInteger(value) || (value as number) < min || (value as number) > max) {
    throw new Error(`${where} must be a whole number from ${min} to ${max}`);
  }
  return value as number;
}

function textOf(value: unknown, where: string, min: number, max: number): string {
  if (typeof value !== "string" || value.length < min || value.length > max) {
    throw new Error(`${where} must be text of ${min} to ${max} characters`);
  }
  return value;
}

/** Text that can stand in a response header. */
function headerTextOf(value: unknown, where: string): string {
  const text = textOf(value, where, 1, 200);
  if (!/^[\x21-\x7e]+$/.test(text)) throw new Error(`${where} must be printable ASCII without spaces`);
  return text;
}

function booleanOf(value: unknown, where: string): boolean {
  if (typeof value !== "boolean") throw new Error(`${where} must be true or false`);
  return value;
}

function modeOf(value: unknown): EdgeMode {
  const mode = MODES.find((candidate) => candidate === value);
  if (mode === undefined) throw new Error(`mode must be one of ${MODES.join(", ")}`);
  return mode;
}
