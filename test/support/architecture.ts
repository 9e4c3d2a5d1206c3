import { parseSync } from "oxc-parser";

/**
 * The floor plan: which room may import which. A room is the first folder below src/ (or the file itself at the
 * top). Imports go down only. See docs/adr/0001.
 */
const BASE = ["model", "lib", "errors"];
export const mayImport: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  errors: [],
  model: ["lib", "errors"],
  runbook: BASE,
  watch: BASE,
  calendar: BASE,
  approvals: BASE,
  postgres: BASE,
  providers: BASE,
  store: BASE,
  plan: ["runbook", "watch", ...BASE],
  steps: ["postgres", "watch", "approvals", ...BASE],
  gates: ["postgres", "watch", ...BASE],
  report: BASE,
  audit: BASE,
  engine: ["plan", "steps", "gates", ...BASE],
  testing: ["store", ...BASE],
  compose: [
    "engine",
    "plan",
    "runbook",
    "steps",
    "gates",
    "providers",
    "store",
    "postgres",
    "watch",
    "calendar",
    "approvals",
    "report",
    "audit",
    ...BASE,
  ],
  demo: ["compose", "store", "testing", "report", ...BASE],
  client: ["server", ...BASE],
  server: ["compose", "report", "audit", "runbook", ...BASE],
  cli: ["server", "client", "compose", "demo", "report", "audit", "runbook", ...BASE],
};

/** What only some files may use. `in` are path prefixes below src/. */
const reserved: readonly { what: string; matches: (found: Found) => boolean; in: readonly string[] }[] = [
  { what: "pg", matches: ({ module }) => module === "pg", in: ["postgres/", "store/"] },
  {
    what: "time zones and calendar files",
    matches: ({ module }) => /^(temporal-polyfill|ical\.js)$/.test(module ?? ""),
    in: ["calendar/"],
  },
  {
    what: "the durable engine",
    matches: ({ module }) => module?.startsWith("@dbos-inc/") === true,
    in: ["engine/durable/dbos.ts"],
  },
  {
    what: "OpenTelemetry",
    matches: ({ module }) => module?.startsWith("@opentelemetry/") === true,
    in: ["providers/traces/"],
  },
  {
    what: "child processes",
    matches: ({ module }) => /^(node:)?child_process$|^execa$/.test(module ?? ""),
    in: ["lib/process.ts"],
  },
  {
    what: "fetch",
    matches: ({ call }) => call === "fetch",
    in: ["providers/", "lib/http.ts", "client/connection.ts"],
  },
  {
    what: "time and timers",
    matches: ({ call }) =>
      [
        "Date.now",
        "new Date()",
        "setTimeout",
        "setInterval",
        "AbortSignal.timeout",
        "performance.now",
      ].includes(call ?? ""),
    in: ["lib/clock.ts", "providers/local/edge/"],
  },
  { what: "Math.random", matches: ({ call }) => call === "Math.random", in: ["providers/local/edge/"] },
];

interface Found {
  module?: string;
  /** A call by its callee's text, or "new Date()" without arguments. */
  call?: string;
  line: number;
}

/** Every breach of the floor plan in one file, as "file:line what". `file` is the path below src/, with slashes. */
export function violationsIn(file: string, text: string): string[] {
  const room = roomOf(file);
  const allowed = mayImport[room];
  if (allowed === undefined) return [`${file}:1 is in no room of the floor plan`];
  const violations: string[] = [];
  for (const found of findingsIn(file, text)) {
    const where = `${file}:${found.line}`;
    if (found.module?.startsWith(".") === true) {
      const target = roomOf(resolvePath(file, found.module));
      if (target !== room && !allowed.includes(target)) violations.push(`${where} ${room} imports ${target}`);
    }
    for (const rule of reserved) {
      const isAllowed = rule.in.some((prefix) => file.startsWith(prefix));
      if (!isAllowed && rule.matches(found)) violations.push(`${where} uses ${rule.what}`);
    }
  }
  return violations;
}

function roomOf(file: string): string {
  const [first = "", second] = file.split("/");
  if (second !== undefined) return first;
  const name = first.replace(/\.ts$/, "");
  return name.startsWith("error-codes") ? "errors" : name === "index" ? "compose" : name;
}

function resolvePath(from: string, specifier: string): string {
  const { pathname } = new URL(specifier, `file:///src/${from}`);
  return pathname.startsWith("/src/") ? pathname.slice("/src/".length) : `outside${pathname}`;
}

function findingsIn(file: string, text: string): Found[] {
  const { program, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]!.message}`);
  const found: Found[] = [];
  const lineOf = (offset: number): number => text.slice(0, offset).split("\n").length;
  visit(program, (node) => {
    const line = lineOf(node.start ?? 0);
    const source = literal(node.source);
    if (/^(Import|Export)/.test(node.type) && source !== undefined) found.push({ module: source, line });
    if (node.type === "CallExpression")
      found.push({ call: text.slice(start(node.callee), end(node.callee)), line });
    if (node.type === "NewExpression" && text.slice(node.start, node.end) === "new Date()")
      found.push({ call: "new Date()", line });
  });
  return found;
}

interface Node {
  type: string;
  start?: number;
  end?: number;
  [key: string]: unknown;
}

function visit(value: unknown, see: (node: Node) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, see);
    return;
  }
  if (typeof value !== "object" || value === null) return;
  if ("type" in value && typeof value.type === "string") see(value as Node);
  for (const child of Object.values(value)) visit(child, see);
}

function literal(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null || !("value" in value)) return undefined;
  return typeof value.value === "string" ? value.value : undefined;
}

function start(value: unknown): number {
  return (value as Node).start ?? 0;
}

function end(value: unknown): number {
  return (value as Node).end ?? 0;
}
