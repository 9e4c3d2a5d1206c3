import { parseEnv } from "node:util";
import * as z from "zod";
import { hasCode } from "../errors.ts";
import type { GateContext, GateVerdict } from "../model/gate-kind.ts";
import { defineGate } from "./define.ts";
import { readProjectFile } from "./project-file.ts";
import { sayNames } from "./say-names.ts";

const names = z.array(z.string().min(1)).max(200).default([]);

const schema = z.strictObject({
  file: z
    .string()
    .min(1)
    .default(".env.example")
    .describe("File in the project that names every variable, in lines NAME=example"),
  notDeployed: names.describe(
    "Names in that file that only development needs: the runbook may leave them out",
  ),
  notListed: names.describe("Names that the runbook may have although the file does not"),
});

type Context = GateContext<z.output<typeof schema>>;

/** Passes when the runbook, the file of examples and this machine agree on the application's variables. */
export const envVariables = defineGate({
  kind: "env.variables",
  summary:
    "Passes when the variables of the environment are those that .env.example names, and each has a value here.",
  requirements: ["A6"],
  notes: [
    "A target is given exactly these variables with every deploy; what else it may have of its own is not compared, and the evidence says so.",
  ],
  schema,
  example: "file: .env.example\nnotDeployed: [DEBUG]\n",

  async check(context): Promise<GateVerdict> {
    const { file, notDeployed, notListed } = context.with;
    const read = readProjectFile(context.projectDirectory, file);
    if (read.state === "unreadable")
      return {
        verdict: "unknown",
        reason: read.reason,
        fix: "name the file that lists the variables, or write it",
      };
    const declared = Object.keys(context.environment.variables);
    const listed = Object.keys(parseEnv(read.text));
    const missing = listed.filter((name) => !declared.includes(name) && !notDeployed.includes(name));
    const extra = declared.filter((name) => !listed.includes(name) && !notListed.includes(name));
    const empty = declared.filter((name) => !hasValue(context, name));
    const evidence = {
      missing: missing.map((name) => ({ name, at: `${file}:${lineOf(read.text, name)}` })),
      extra,
      withoutValue: empty.map((name) => ({ name, reference: context.environment.variables[name]! })),
      target: `not compared with what the ${context.target.kind} target has: it cannot say`,
    };
    const wrong = [
      ...(missing.length === 0 ? [] : [`in ${file} but not in the runbook: ${sayNames(missing)}`]),
      ...(extra.length === 0 ? [] : [`in the runbook but not in ${file}: ${sayNames(extra)}`]),
      ...(empty.length === 0 ? [] : [`without a value here: ${sayNames(empty)}`]),
    ];
    if (wrong.length > 0)
      return {
        verdict: "fail",
        reason: wrong.join("; "),
        evidence,
        fix: "add the name where it is missing, or remove it where it is no longer used",
      };
    return {
      verdict: "pass",
      reason: `the runbook and ${file} agree on ${declared.length} variables`,
      evidence,
    };
  },
});

function hasValue(context: Context, name: string): boolean {
  try {
    context.secret(context.environment.variables[name]!);
    return true;
  } catch (error) {
    if (!hasCode(error, "SECRET_MISSING")) throw error;
    return false;
  }
}

function lineOf(text: string, name: string): number {
  const isOf = (line: string): boolean =>
    line
      .split("=", 1)[0]!
      .replace(/^\s*(export\s+)?/, "")
      .trimEnd() === name;
  return text.split("\n").findIndex(isOf) + 1;
}
