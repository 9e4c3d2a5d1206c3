import type { CatalogObject } from "../fingerprint.ts";
import { differs, losing, step, textOf, textsOf, type Reconcile, type ReconcilingStep } from "./step.ts";

export const reconcileRoutine: Reconcile = (difference, recreate) => {
  const { expected, live, kind, identity } = difference;
  if (expected !== undefined && expected.sql === null) return { byHand: `define the ${kind} again` };
  if (expected === undefined) return [step("drop function", `drop ${kind} ${identity}`)];
  if (live !== undefined && differs(difference, "arguments", "returns"))
    return [step("drop function", `drop ${kind} ${identity}`), ...recreate(expected)];
  return createRoutine(expected);
};

/** A body that was parsed when it was written needs what it names; others are only looked at when they are called. */
export function createRoutine({ sql }: CatalogObject): ReconcilingStep[] {
  const isParsed = /^\s*(begin atomic|return )/im.test(sql!);
  return [step(isParsed ? "create atomic function" : "create function", sql!)];
}

export const reconcileView: Reconcile = (difference, recreate) => {
  const { state, expected, identity, kind } = difference;
  const drop = step("drop view", `drop ${kind} ${identity}`);
  if (expected === undefined) return [drop];
  if (state === "missing") return createView(expected);
  if (differs(difference, "query")) return [drop, ...recreate(expected)];
  const [wanted, found] = [textsOf(expected, "options"), textsOf(difference.live, "options")];
  const nameOf = (option: string): string => option.slice(0, option.indexOf("="));
  const gone = found.map(nameOf).filter((name) => !wanted.map(nameOf).includes(name));
  const fresh = wanted.filter((option) => !found.includes(option));
  return [
    ...(gone.length > 0 ? [step("create view", `alter ${kind} ${identity} reset (${gone.join(", ")})`)] : []),
    ...(fresh.length > 0 ? [step("create view", `alter ${kind} ${identity} set (${fresh.join(", ")})`)] : []),
  ];
};

export function createView({ sql }: CatalogObject): ReconcilingStep[] {
  return [step("create view", sql!)];
}

export const reconcileTrigger: Reconcile = (difference) => {
  const { state, expected, live } = difference;
  const drop = (object: CatalogObject): ReconcilingStep =>
    step("drop trigger", `drop trigger ${object.name} on ${object.on}`);
  if (expected === undefined) return [drop(live!)];
  if (state === "changed" && !differs(difference, "definition")) return [enable(expected)];
  return [...(live === undefined ? [] : [drop(live)]), ...createTrigger(expected)];
};

export function createTrigger(trigger: CatalogObject): ReconcilingStep[] {
  return [
    step("create trigger", trigger.sql!),
    ...(textOf(trigger, "enabled") === "yes" ? [] : [enable(trigger)]),
  ];
}

function enable(trigger: CatalogObject): ReconcilingStep {
  const word = { yes: "enable", no: "disable", replica: "enable replica", always: "enable always" }[
    textOf(trigger, "enabled") ?? "yes"
  ]!;
  return step("create trigger", `alter table ${trigger.on} ${word} trigger ${trigger.name}`);
}

export const reconcileRule: Reconcile = (difference) => {
  const { state, expected, live } = difference;
  if (state === "changed" && !differs(difference, "definition"))
    return { byHand: "enable or disable the rule" };
  return [
    ...(live === undefined ? [] : [step("drop trigger", `drop rule ${live.name} on ${live.on}`)]),
    ...(expected === undefined ? [] : [step("create trigger", expected.sql!)]),
  ];
};

export const reconcilePolicy: Reconcile = (difference) => {
  const { state, expected, live } = difference;
  // Changed in place where that can be said, so that there is no moment without it.
  const loses = (name: string): boolean =>
    expected?.definition[name] === undefined && live?.definition[name] !== undefined;
  if (
    state === "changed" &&
    !differs(difference, "permissive", "command") &&
    !loses("using") &&
    !loses("withCheck")
  ) {
    const using = textOf(expected, "using");
    const check = textOf(expected, "withCheck");
    return [
      step(
        "create policy",
        `alter policy ${expected!.name} on ${expected!.on} to ${textsOf(expected, "roles").join(", ")}` +
          `${using === undefined ? "" : ` using (${using})`}${check === undefined ? "" : ` with check (${check})`}`,
      ),
    ];
  }
  return [
    ...(live === undefined ? [] : [step("drop policy", `drop policy ${live.name} on ${live.on}`)]),
    ...(expected === undefined ? [] : [step("create policy", expected.sql!)]),
  ];
};

export const reconcileExtension: Reconcile = ({ state, expected, identity }) => {
  if (expected === undefined) return [losing("drop extension", `drop extension ${identity}`)];
  if (state === "changed") return { byHand: "move or update the extension" };
  return [step("create extension", expected.sql!)];
};

export const reconcileSchema: Reconcile = ({ expected, identity }) =>
  expected === undefined
    ? [step("drop schema", `drop schema ${identity}`)]
    : [step("create schema", expected.sql!)];

export const reconcilePublication: Reconcile = ({ expected, identity }) =>
  expected === undefined
    ? [step("drop policy", `drop publication ${identity}`)]
    : { byHand: "create or alter the publication; its subscribers depend on it" };
