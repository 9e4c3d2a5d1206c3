import type { Command, Option } from "commander";
import { parse } from "yaml";
import type * as z from "zod";
import { errorCodes, type ErrorCodeRow } from "../src/error-codes.ts";
import { examplesOf } from "../src/cli/declare.ts";
import type { AnyGateKind } from "../src/gates/define.ts";
import { latencyBoundsMs } from "../src/providers/local/edge/columns.ts";
import type { ScmKind } from "../src/model/scm.ts";
import type { SignalKind } from "../src/model/signal-kind.ts";
import type { StepKind } from "../src/model/step-kind.ts";
import { inputJsonSchema } from "../src/runbook/schema-view.ts";
import { lintRules } from "../src/postgres/lint/registry.ts";
import { page, table } from "./markdown.ts";

const EXITS: readonly [number, string][] = [
  [0, "done"],
  [1, "a step failed, or something could not be reached"],
  [2, "the command line or the runbook is wrong"],
  [3, "blocked by a gate, a refused migration or a locked environment"],
  [4, "waiting for a person"],
  [5, "rolled back, the service was seen to be good"],
  [6, "stopped by a person"],
  [7, "the environment is held by another run"],
  [8, "the plan is stale"],
  [9, "a rollback failed: somebody must act now"],
  [130, "detached or interrupted; a run that was started goes on"],
];

/** docs/cli.md from the command tree. */
export function cliPage(program: Command): string {
  const help = program.createHelp();
  const commands = help.visibleCommands(program).filter((command) => command.name() !== "help");
  return page("Command line", [
    program.description(),
    "",
    'The result goes to stdout and everything else to stderr. With `--json` stdout holds exactly one JSON object with `schema_version` 1, on success, failure and blocked alike; errors are `{schema_version, error: {code, message, hint, details}}`. With `--json=stream` it holds one object a line: `{kind: "event", event}` as they happen, and the result or the error last.',
    "",
    "Users sign in with `--login <name>`, which asks for the password at the terminal, or with a token in `TMINUS_TOKEN` (the token, or `env:NAME` or `file:path#NAME` in place of it). Without either, people are named by `--by`, else by `TMINUS_ACTOR`, else by the operating system, and **nobody checks these names**. What that is worth: [approvals.md](approvals.md).",
    "",
    "With `TMINUS_URL` the commands are carried out by a server: [server.md](server.md).",
    "",
    "A change of a protected environment asks for the environment's name. In scripts give `--confirm=<env>` or `--yes`; no variable or file can stand in for the flag.",
    "",
    "## Exit codes",
    "",
    ...table(
      ["code", "meaning"],
      EXITS.map(([code, meaning]) => [String(code), meaning]),
    ),
    "",
    "## Global options",
    "",
    ...optionTable(help.visibleOptions(program)),
    ...commands.flatMap((command) =>
      command.commands.length === 0
        ? commandSection(command)
        : command.commands.flatMap((verb) => commandSection(verb, `${command.name()} ${verb.name()}`)),
    ),
  ]);
}

/** docs/errors.md from the table of codes. */
export function errorsPage(): string {
  const rows: [string, ErrorCodeRow][] = Object.entries(errorCodes);
  return page("Errors", [
    "`tminus explain <code>` prints the same, offline. Codes never change their meaning.",
    ...rows.flatMap(([code, { exit, retryable, title, why, next }]) => [
      "",
      `## ${code}`,
      "",
      `**${title}.** ${why}`,
      "",
      `What to do: ${next}`,
      "",
      `Exit code ${exit}. ${retryable ? "The same command may succeed later." : "Trying again changes nothing."}`,
    ]),
  ]);
}

/** docs/database/lint-rules.md */
export function lintRulesPage(): string {
  const rows = (isStyle: boolean): string[] =>
    table(
      ["rule", "severity", "what", "why", "`--fix`"],
      lintRules
        .filter(({ style = false }) => style === isStyle)
        .toSorted((a, b) => (a.id < b.id ? -1 : 1))
        .map(({ id, severity, summary, why, rewrite, noRewrite = "" }) => [
          `\`${id}\``,
          severity,
          summary,
          why,
          rewrite === undefined ? noRewrite : "rewrites it",
        ]),
    );
  return page("Rules of the linter", [
    "`block` keeps a migration from running, `ask` needs a person's yes, `note` is worth knowing. Some findings are weaker",
    "than their rule where less can happen. `-- tminus: allow <rule> <reason>` allows one in a file. The last column says",
    "what `tminus db lint --fix` does, or why it leaves the decision to people.",
    "",
    ...rows(false),
    "",
    "## Matters of taste (`--style`)",
    "",
    ...rows(true),
  ]);
}

/** docs/steps/<kind>.md */
export function stepPage(step: StepKind): string {
  const { kind, version, summary, requirements, schema, example } = step;
  return page(`Step \`${kind}\``, [
    summary,
    "",
    ...kindFacts(requirements, [`Version: ${version}`]),
    `- Verified: ${step.verify === undefined ? "by what the step itself does" : "looked at once more after it was done"}`,
    `- Undo: ${step.undo === undefined ? "nothing to take away; the plan says why" : "taken away again when the run is rolled back; the plan says how and what is lost"}`,
    "",
    ...settings(schema, kind, example),
  ]);
}

/** docs/gates/<kind>.md */
export function gatePage({ kind, summary, requirements, notes, schema, example }: AnyGateKind): string {
  return page(`Gate \`${kind}\``, [
    summary,
    "",
    ...kindFacts(requirements, []),
    "- Verdict: pass, fail, or could not be found out; only pass passes",
    "",
    ...(notes ?? []).flatMap((paragraph) => [paragraph, ""]),
    ...settings(schema, kind, example),
  ]);
}

/** What a page of a target says beside its settings. */
const TARGETS: Readonly<Record<string, { summary: string; example: string; more?: string[] }>> = {
  local: {
    summary:
      "Processes on this machine behind a proxy that is part of tminus: blue/green and canary shares, without a failed request.",
    example: `kind: local
port: 8080
directory: "releases/{release}"
command: [node, server.mjs]
`,
    more: [
      "## What it measures",
      "",
      "The proxy is the signal source `edge`, and counts for each release. A request counts when its answer is complete, broken off or given up; it is an error when it was answered with 5xx or not to the end, or went to another release because its own was down.",
      "",
      "| metric | gives |",
      "| --- | --- |",
      "| `error_rate` | counts |",
      `| \`share(latency > …)\` | counts, of the requests that were answered; only at ${latencyBoundsMs.join(", ")} ms: nothing is estimated in between |`,
      "| `p50(latency)`, `p95(latency)`, … | values: the bound above that so many requests did not exceed, or the mean of those above the last one |",
      "| `count(requests)`, `count(errors)` | events |",
      "| `count(bad_clients)` | events: clients (addresses) that got an error, each counted once in 10 s, so that one that asks again and again is told from many; of more than 256 only so many |",
      "",
      "With `error_rate` and `share(…)` it also tells how many new clients there were, by which a watch sees whether traffic is shared out as intended: a client without the cookie by which it stays with a release is drawn for one, and counts at once, and for that one, whoever then served it. A client that keeps no cookies is new with each request.\n",
      "It remembers each span of 10 s of the last 24 h, at full tens of seconds, in at most 1 MB a release. Questions about such spans are answered from there, all others with counters that only grow; a quantile comes from the spans that end in a step, and in steps of less than 10 s from the last 10 to 20 s. Counters and history go over to the next proxy process when it is replaced. When it is killed the counters begin anew, and the span in which it was killed is unknown, which is not the same as zero.",
    ],
  },
  command: {
    summary:
      "Anything else, by the project's own commands. It takes all traffic at once, so `app.shift` to less than 100 percent blocks the plan. One command runs at a time; what is live is only ever believed from `status`. A command that outlives its tminus process is waited for, not repeated. One that runs too long, or whose run is aborted, gets SIGTERM and after 5 s SIGKILL, with everything that it started. Commands run in the project's folder with PATH, HOME, LANG and TMPDIR, the environment's variables and TMINUS_ENVIRONMENT; those that change something also get TMINUS_RELEASE and TMINUS_FENCE, and deploy gets TMINUS_KEY.",
    example: `kind: command
deploy: [./bin/deploy, "{release}"]
rollback: [./bin/deploy, --fast, "{release}"]
status: [./bin/which-release]
files: ["dist/{release}.tar.gz"]
`,
  },
};

/** docs/targets/<kind>.md. Throws for a kind without a text, or whose example its schema refuses. */
export function targetPage(kind: string, schema: z.ZodType): string {
  const text = TARGETS[kind];
  if (text === undefined) throw new Error(`there is no text for the page of the target ${kind}`);
  schema.parse(parse(text.example));
  const lines = text.example.trimEnd().split("\n");
  return page(`Target \`${kind}\``, [
    text.summary,
    "",
    "- Requirements: D4",
    "",
    ...settingsTable(schema),
    "",
    "## Example",
    "",
    "```yaml",
    "target:",
    ...lines.map((line) => `  ${line}`),
    "```",
    ...(text.more === undefined ? [] : ["", ...text.more]),
  ]);
}

/** docs/signals/<kind>.md. Throws for a kind whose example its schema refuses. */
export function signalPage(kind: string, { summary, schema, example, measures, notes }: SignalKind): string {
  schema.parse(parse(example));
  const lines = example.trimEnd().split("\n");
  return page(`Signal source \`${kind}\``, [
    summary,
    "",
    "- Requirements: E4",
    "",
    ...(notes ?? []).flatMap((paragraph) => [paragraph, ""]),
    ...(measures === undefined
      ? []
      : [
          "## What it measures",
          "",
          ...table(
            ["in a rule", "meaning"],
            Object.entries(measures).map(([name, meaning]) => [`\`${name}\``, meaning]),
          ),
          "",
        ]),
    ...settingsTable(schema),
    "",
    "## Example",
    "",
    "```yaml",
    "signals:",
    `  ${kind}:`,
    `    kind: ${kind}`,
    ...lines.map((line) => `    ${line}`),
    "```",
  ]);
}

/** docs/scm/<kind>.md. Throws for a kind whose example its schema refuses. */
export function scmPage(kind: string, { summary, schema, example, notes }: ScmKind): string {
  schema.parse(parse(example));
  return page(`Code and reviews: \`${kind}\``, [
    summary,
    "",
    "- Requirements: B3",
    "",
    ...notes.flatMap((paragraph) => [paragraph, ""]),
    ...settingsTable(schema),
    "",
    "## Example",
    "",
    "```yaml",
    "scm:",
    `  kind: ${kind}`,
    ...example
      .trimEnd()
      .split("\n")
      .map((line) => `  ${line}`),
    "```",
  ]);
}

function commandSection(command: Command, name = command.name()): string[] {
  const help = command.createHelp();
  const args = help.visibleArguments(command);
  const options = help.visibleOptions(command).filter(({ long }) => long !== "--help");
  return [
    "",
    `## tminus ${name}`,
    "",
    sentence(command.description()),
    "",
    "```",
    `tminus ${name} ${command.usage()}`,
    "```",
    ...(args.length === 0
      ? []
      : [
          "",
          ...table(
            ["argument", "meaning"],
            args.map((arg) => [`\`${arg.name()}\``, arg.description]),
          ),
        ]),
    ...(options.length === 0 ? [] : ["", ...optionTable(options)]),
    "",
    "```sh",
    ...examplesOf(command),
    "```",
  ];
}

function optionTable(options: readonly Option[]): string[] {
  return table(
    ["option", "meaning", "default"],
    options.map(({ flags, description, defaultValue, argChoices, mandatory, negate }) => {
      const choices = argChoices === undefined ? "" : ` (${argChoices.join(", ")})`;
      const value =
        typeof defaultValue === "string" && defaultValue !== ""
          ? `\`${defaultValue}\``
          : typeof defaultValue === "number"
            ? String(defaultValue)
            : "";
      return [`\`${flags}\``, description + choices, mandatory ? "required" : negate ? "" : value];
    }),
  );
}

function kindFacts(requirements: readonly string[], more: readonly string[]): string[] {
  return [...more, `Requirements: ${requirements.join(", ")}`].map((line) => `- ${line}`);
}

function settings(schema: z.ZodType, kind: string, example: string): string[] {
  const body = example.trimEnd().split("\n");
  const isEmpty = body.length === 1 && (body[0] === "" || body[0] === "{}");
  return [
    ...settingsTable(schema),
    "",
    "## Example",
    "",
    "```yaml",
    "- id: example",
    `  kind: ${kind}`,
    ...(isEmpty ? [] : ["  with:", ...body.map((line) => `    ${line}`)]),
    "```",
  ];
}

function settingsTable(schema: z.ZodType): string[] {
  const rows = fieldRows(inputJsonSchema(schema) as JsonSchema, "");
  const lines = rows.length === 0 ? ["It has none."] : table(["field", "type", "default", "meaning"], rows);
  return ["## Settings", "", ...lines];
}

interface JsonSchema {
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  additionalProperties?: JsonSchema | boolean;
  description?: string;
  default?: unknown;
}

/** Deeper settings than this are named by the schema alone. */
const MAX_DEPTH = 5;

/** One row a field, nested ones with their path: "rules[].above". */
function fieldRows(schema: JsonSchema, path: string, depth = 0, isVariant = false): string[][] {
  if (depth > MAX_DEPTH) return [];
  const variants = schema.anyOf ?? schema.oneOf ?? [];
  if (variants.length > 0)
    return unique(variants.flatMap((variant) => fieldRows(variant, path, depth + 1, true)));
  if (schema.items !== undefined) return fieldRows(schema.items, `${path}[]`, depth + 1);
  const { additionalProperties: others } = schema;
  const named = typeof others === "object" ? fieldRows(others, `${path}.<name>`, depth + 1) : [];
  const rows = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const isRequired = schema.required?.includes(name) === true;
    const own = path === "" ? name : `${path}.${name}`;
    const value =
      field.default === undefined
        ? isRequired
          ? isVariant
            ? "one of these"
            : "required"
          : ""
        : `\`${JSON.stringify(field.default)}\``;
    return [
      [`\`${own}\``, typeOf(field), value, field.description ?? ""],
      ...fieldRows(field, own, depth + 1),
    ];
  });
  return [...rows, ...named];
}

function typeOf(schema: JsonSchema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(" or ");
  const variants = schema.anyOf ?? schema.oneOf;
  if (variants !== undefined) return [...new Set(variants.map((variant) => typeOf(variant)))].join(" or ");
  if (schema.type === "array")
    return `list of ${schema.items === undefined ? "anything" : typeOf(schema.items)}`;
  if (schema.type === "object" && schema.properties === undefined) return "mapping";
  return Array.isArray(schema.type) ? schema.type.join(" or ") : (schema.type ?? "anything");
}

/** Variants of a union may share fields. */
function unique(rows: string[][]): string[][] {
  return [...new Map(rows.map((row) => [row.join("|"), row])).values()];
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
