import { readdirSync } from "node:fs";
import { parse } from "node:path";
import * as z from "zod";
import { runbookKinds } from "../src/compose.ts";
import { gateKinds } from "../src/gates/registry.ts";
import type { Runbook } from "../src/model/runbook.ts";
import { loadRunbook } from "../src/runbook/load.ts";
import { stepKinds } from "../src/steps/registry.ts";
import { page, table } from "./markdown.ts";

type Gate = Runbook["gates"][number];
type Row = readonly [id: string, asks: string, decidedBy: string, requirements: string];

/** Of a step `checklist`, as it is written. */
const itemsSchema = z.object({
  items: z.array(z.object({ id: z.string(), text: z.string(), owner: z.string() })),
});

/**
 * docs/checklists.md from the runbooks in a folder: who or what decides each line. Throws for an item without an owner,
 * and for a runbook that is not valid.
 */
export async function checklistsPage(folder: string): Promise<string> {
  const sections: string[] = [];
  let gates = 0;
  let people = 0;
  for (const file of readdirSync(folder)
    .filter((name) => name.endsWith(".yaml"))
    .toSorted()) {
    const { runbook } = await loadRunbook({ directory: folder, file, kinds: runbookKinds });
    const decided = runbook.gates.map(gateRow);
    const said = itemRows(runbook);
    gates += decided.length;
    people += said.length;
    sections.push(
      "",
      `## ${parse(file).name}`,
      "",
      `[${file}](../examples/checklists/${file}): ${decided.length} lines by a gate, ${said.length} by a person.`,
      "",
      ...table(["line", "what it asks", "decided by", "requirements"], [...decided, ...said]),
    );
  }
  return page("Checklists", [
    "Five teams' lists of what must be so before a deploy, as runbooks that decide them. A line that a machine can decide",
    "is a gate; each other one is an item that a named person attests with `tminus ack`.",
    "",
    `${gates + people} lines: ${gates} are decided by a gate, ${people} by a person.`,
    ...sections,
  ]);
}

function gateRow({ id, kind, title, environments, with: settings }: Gate): Row {
  const only = environments === undefined ? "" : `, before ${environments.join(" and ")}`;
  const runs = kind === "command" ? `: \`${commandOf(settings)}\`` : "";
  return [
    `\`${id}\``,
    title ?? id,
    `[\`${kind}\`](gates/${kind}.md)${runs}${only}`,
    gateKinds[kind]!.requirements.join(", "),
  ];
}

function commandOf(settings: Gate["with"]): string {
  const { run } = z.object({ run: z.array(z.string()) }).parse(settings);
  return run.join(" ");
}

function itemRows({ stages }: Runbook): Row[] {
  return stages
    .flatMap(({ steps }) => steps)
    .filter(({ kind }) => kind === "checklist")
    .flatMap(({ kind, with: settings }) =>
      itemsSchema
        .parse(settings)
        .items.map(({ id, text, owner }): Row => [
          `\`${id}\``,
          text,
          `a person: ${owner}`,
          stepKinds[kind]!.requirements.join(", "),
        ]),
    );
}
