import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runbookKinds } from "../../../src/compose.ts";
import { gateKinds } from "../../../src/gates/registry.ts";
import { loadRunbook } from "../../../src/runbook/load.ts";

const FOLDER = join(import.meta.dirname, "../../../examples/checklists");
const runbooks = await Promise.all(
  readdirSync(FOLDER).map(async (file) => {
    const { runbook } = await loadRunbook({ directory: FOLDER, file, kinds: runbookKinds });
    return { name: file.replace(/\.yaml$/, ""), runbook };
  }),
);

it("uses every kind of gate in at least one checklist", () => {
  const used = new Set(runbooks.flatMap(({ runbook }) => runbook.gates.map(({ kind }) => kind)));
  expect([...used].toSorted()).toEqual(Object.keys(gateKinds).toSorted());
});

it("has a test for every checklist", () => {
  const tests = readdirSync(import.meta.dirname);
  expect(runbooks.filter(({ name }) => !tests.includes(`${name}.test.ts`))).toEqual([]);
});

it("gives every line a name of its own in its checklist", () => {
  for (const { name, runbook } of runbooks) {
    const items = runbook.stages
      .flatMap(({ steps }) => steps)
      .filter(({ kind }) => kind === "checklist")
      .flatMap(({ with: settings }) => (settings as { items: { id: string }[] }).items);
    const ids = [...runbook.gates, ...items].map(({ id }) => id);
    expect(new Set(ids).size, name).toBe(ids.length);
  }
});
