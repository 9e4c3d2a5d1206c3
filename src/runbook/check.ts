import { parseOffset } from "../lib/duration.ts";
import { MAX_ENVIRONMENTS, MAX_STAGES } from "../model/runbook.ts";
import { suggest } from "../lib/did-you-mean.ts";
import type { Mistakes, Path } from "./diagnostic.ts";
import { placeholdersIn, stepPlaceholders, targetPlaceholders } from "./placeholder.ts";
import { shorten } from "./source-text.ts";
import { orderStages } from "./stage-order.ts";
import { keyPositionOf, positionOf, treeAt, type Tree } from "./tree.ts";

/**
 * What a schema of one field cannot see: ids that are used twice, names that lead nowhere, circles, times out
 * of order, placeholders that do not exist. Looks at whatever is well formed, so that these mistakes are
 * reported together with those of the schema.
 */
export function checkReferences(root: Tree, mistakes: Mistakes): void {
  const environments = keysOf(treeAt(root, ["environments"]));
  const stages = itemsOf(root, ["stages"]);
  // The schema says so; ordering thousands of stages would only take time.
  if (stages.length > MAX_STAGES || environments.length > MAX_ENVIRONMENTS) return;
  const steps = stages.flatMap((stage) => itemsOf(root, [...stage, "steps"]));
  checkUnique(root, stages, "stage", mistakes);
  checkUnique(root, steps, "step", mistakes);
  checkUnique(root, itemsOf(root, ["gates"]), "gate", mistakes);
  checkUnique(root, itemsOf(root, ["notify"]), "channel", mistakes);
  checkCalendar(root, environments, mistakes);
  const stageIds = idsOf(root, stages);
  for (const stage of stages) {
    checkNames(root, [...stage, "needs"], stageIds, "stage", mistakes);
    checkNames(root, [...stage, "environments"], environments, "environment", mistakes);
  }
  for (const gate of itemsOf(root, ["gates"])) {
    checkNames(root, [...gate, "environments"], environments, "environment", mistakes);
    if (textAt(root, [...gate, "kind"]) === "staging.verified")
      checkName(root, [...gate, "with", "environment"], environments, "environment", mistakes);
  }
  const channels = idsOf(root, itemsOf(root, ["notify"]));
  const stepIds = idsOf(root, steps);
  const checklists = steps.filter((step) => textAt(root, [...step, "kind"]) === "checklist");
  const keepable = idsOf(root, [...itemsOf(root, ["gates"]), ...checklists]);
  for (const name of environments)
    checkNames(root, ["environments", name, "emergency", "keep"], keepable, "gate or checklist", mistakes);
  for (const step of steps) {
    const kind = textAt(root, [...step, "kind"]);
    if (kind === "notify") checkNames(root, [...step, "with", "channels"], channels, "channel", mistakes);
    if (kind === "sign-off") checkNames(root, [...step, "with", "evidence"], stepIds, "step", mistakes);
  }
  checkPlaceholders(root, environments, [...itemsOf(root, ["gates"]), ...steps], mistakes);
  checkOrder(root, environments, stages, mistakes);
}

/** Ids of windows and freezes, environments that freezes name, and a limit that counts by windows without any. */
function checkCalendar(root: Tree, environments: string[], mistakes: Mistakes): void {
  const freezes = itemsOf(root, ["freezes"]);
  checkUnique(root, freezes, "freeze", mistakes);
  for (const freeze of freezes)
    checkNames(root, [...freeze, "environments"], environments, "environment", mistakes);
  for (const name of environments) {
    const windows = itemsOf(root, ["environments", name, "windows"]);
    checkUnique(root, windows, "window", mistakes);
    const path = ["environments", name, "limits", "perWindow"];
    if (treeAt(root, path) === undefined) continue;
    if (windows.some((window) => textAt(root, [...window, "effect"]) === "allow")) continue;
    const message = "counts by the windows that allow deploys, and there is none";
    mistakes.add({ at: positionOf(root, path), path, message, hint: "add a window with effect: allow" });
  }
}

function checkUnique(root: Tree, items: Path[], noun: string, mistakes: Mistakes): void {
  const first = new Map<string, Path>();
  for (const item of items) {
    const id = textAt(root, [...item, "id"]);
    if (id === undefined) continue;
    const earlier = first.get(id);
    if (earlier === undefined) {
      first.set(id, item);
      continue;
    }
    const path = [...item, "id"];
    const line = positionOf(root, [...earlier, "id"]).line;
    const message = `the ${noun} id "${shorten(id)}" is used twice`;
    mistakes.add({ at: positionOf(root, path), path, message, hint: `first on line ${line}` });
  }
}

function checkNames(
  root: Tree,
  list: Path,
  known: readonly string[],
  noun: string,
  mistakes: Mistakes,
): void {
  for (const path of itemsOf(root, list)) checkName(root, path, known, noun, mistakes);
}

function checkName(root: Tree, path: Path, known: readonly string[], noun: string, mistakes: Mistakes): void {
  const name = textAt(root, path);
  if (name === undefined || known.includes(name)) return;
  const hint = suggest(name, known, "known") || `there is no ${noun}`;
  mistakes.add({ at: positionOf(root, path), path, message: `unknown ${noun} "${shorten(name)}"`, hint });
}

function checkPlaceholders(root: Tree, environments: string[], parts: Path[], mistakes: Mistakes): void {
  for (const part of parts) checkTexts(root, [...part, "with"], stepPlaceholders, mistakes);
  for (const name of environments)
    checkTexts(root, ["environments", name, "target"], targetPlaceholders, mistakes);
}

function checkTexts(root: Tree, path: Path, known: readonly string[], mistakes: Mistakes): void {
  const tree = treeAt(root, path);
  if (tree === undefined) return;
  if (tree.type === "map")
    for (const key of tree.entries.keys()) checkTexts(root, [...path, key], known, mistakes);
  if (tree.type === "list")
    tree.items.forEach((_, index) => checkTexts(root, [...path, index], known, mistakes));
  if (tree.type !== "scalar" || typeof tree.value !== "string") return;
  for (const name of new Set(placeholdersIn(tree.value))) {
    if (known.includes(name)) continue;
    const braces = known.map((word) => `{${word}}`);
    const hint = `${suggest(`{${name}}`, braces, "known")} (or write \\{${shorten(name)}} for the text itself)`;
    mistakes.add({ at: tree.at, path, message: `unknown placeholder {${shorten(name)}}`, hint });
  }
}

/** Circles; then, for each environment, whether something runs at all and whether `at` only grows. */
function checkOrder(root: Tree, environments: string[], stages: Path[], mistakes: Mistakes): void {
  const byId = new Map<string, Path>();
  for (const stage of stages) {
    const id = textAt(root, [...stage, "id"]);
    if (id !== undefined && !byId.has(id)) byId.set(id, stage);
  }
  const { order, cycles } = orderStages(
    [...byId].map(([id, stage]) => ({ id, needs: needsOf(root, stage) })),
  );
  for (const cycle of cycles) {
    const path = [...byId.get(cycle[0]!)!, "needs"];
    const message = `stages need each other in a circle: ${circleText(cycle)}`;
    mistakes.add({ at: keyPositionOf(root, path), path, message, hint: "take one of these needs away" });
  }
  // With ids missing or circles there is no order that the times could be held against.
  if (order === undefined || byId.size !== stages.length || stages.length === 0) return;
  const named = stages.flatMap((stage) => itemsOf(root, [...stage, "environments"]));
  const namesKnown = named.every((path) => environments.includes(textAt(root, path) ?? ""));
  for (const environment of environments) {
    const chosen = order.map((id) => byId.get(id)!).filter((stage) => runsIn(root, stage, environment));
    if (chosen.length === 0 && namesKnown) {
      const path = ["environments", environment];
      const hint = "add it to the environments of a stage, or remove it";
      mistakes.add({
        at: keyPositionOf(root, path),
        path,
        message: "no stage runs in this environment",
        hint,
      });
    }
    checkTimes(root, chosen, mistakes);
  }
}

function checkTimes(root: Tree, stages: Path[], mistakes: Mistakes): void {
  let latest: { ms: number; text: string; line: number } | undefined;
  for (const step of stages.flatMap((stage) => itemsOf(root, [...stage, "steps"]))) {
    const path = [...step, "at"];
    const text = textAt(root, path);
    const ms = text === undefined ? undefined : parseOffset(text);
    if (text === undefined || ms === undefined) continue;
    const at = positionOf(root, path);
    if (latest !== undefined && ms < latest.ms) {
      const message = `${text} is before ${latest.text} of a step that runs earlier`;
      mistakes.add({ at, path, message, hint: `that step is on line ${latest.line}; order steps by time` });
    } else latest = { ms, text, line: at.line };
  }
}

function needsOf(root: Tree, stage: Path): string[] | undefined {
  const tree = treeAt(root, [...stage, "needs"]);
  if (tree === undefined) return undefined;
  return itemsOf(root, [...stage, "needs"]).flatMap((path) => textAt(root, path) ?? []);
}

function runsIn(root: Tree, stage: Path, environment: string): boolean {
  if (treeAt(root, [...stage, "environments"]) === undefined) return true;
  return itemsOf(root, [...stage, "environments"]).some((path) => textAt(root, path) === environment);
}

/** Paths of the items of a list; none when it is not one. */
function itemsOf(root: Tree, path: Path): Path[] {
  const tree = treeAt(root, path);
  return tree?.type === "list" ? tree.items.map((_, index) => [...path, index]) : [];
}

function idsOf(root: Tree, items: Path[]): string[] {
  return items.flatMap((item) => textAt(root, [...item, "id"]) ?? []);
}

function keysOf(tree: Tree | undefined): string[] {
  return tree?.type === "map" ? [...tree.entries.keys()] : [];
}

function textAt(root: Tree, path: Path): string | undefined {
  const tree = treeAt(root, path);
  return tree?.type === "scalar" && typeof tree.value === "string" ? tree.value : undefined;
}

/** a → b → a, with the middle of a long one left out. */
function circleText(cycle: string[]): string {
  const words = cycle.map((id) => shorten(id));
  return words.length <= 12 ? words.join(" → ") : [...words.slice(0, 10), "…", words.at(-1)].join(" → ");
}
