import { step, textOf, textsOf, differs, type Reconcile, type ReconcilingStep } from "./step.ts";

export const reconcileEnum: Reconcile = ({ state, expected, live, identity }) => {
  if (expected === undefined) return [step("drop type", `drop type ${identity}`)];
  if (state === "missing") return [step("create type", expected.sql!)];
  const labels = textsOf(expected, "labels");
  const found = textsOf(live, "labels");
  if (labels.filter((label) => found.includes(label)).join("\n") !== found.join("\n"))
    return { byHand: "labels of an enum can be added, not taken away or moved" };
  // Each new label has its neighbour already: those before it were added before.
  return labels.flatMap((label, index) => {
    if (found.includes(label)) return [];
    const place =
      index > 0
        ? ` after ${quoted(labels[index - 1]!)}`
        : found.length > 0
          ? ` before ${quoted(found[0]!)}`
          : "";
    return [step("create type", `alter type ${identity} add value ${quoted(label)}${place}`)];
  });
};

export const reconcileDomain: Reconcile = (difference) => {
  const { state, expected, live, identity } = difference;
  if (expected === undefined) return [step("drop type", `drop domain ${identity}`)];
  if (state === "missing") return [step("create type", expected.sql!)];
  if (differs(difference, "type", "collation"))
    return { byHand: "make a new domain and move the columns to it" };
  const changes: string[] = [];
  if (differs(difference, "default"))
    changes.push(
      expected.definition.default === undefined
        ? "drop default"
        : `set default ${textOf(expected, "default")}`,
    );
  if (differs(difference, "notNull"))
    changes.push(expected.definition.notNull === true ? "set not null" : "drop not null");
  const [wanted, found] = [checksOf(expected.definition.checks), checksOf(live!.definition.checks)];
  for (const [name, check] of found)
    if (wanted.get(name) !== check) changes.push(`drop constraint ${identifier(name)}`);
  for (const [name, check] of wanted)
    if (found.get(name) !== check) changes.push(`add constraint ${identifier(name)} ${check}`);
  return changes.map((change) => step("create type", `alter domain ${identity} ${change}`));
};

export const reconcileComposite: Reconcile = ({ state, expected, live, identity }) => {
  if (expected === undefined) return [step("drop type", `drop type ${identity}`)];
  if (state === "missing") return [step("create type", expected.sql!)];
  const [wanted, found] = [
    attributesOf(expected.definition.attributes),
    attributesOf(live!.definition.attributes),
  ];
  const kept = found.filter(([name]) => wanted.some(([other]) => other === name));
  const inOrder = wanted.slice(0, kept.length).every(([name], index) => kept[index]?.[0] === name);
  if (!inOrder) return { byHand: "attributes of a composite type are only added at its end" };
  const alter = (change: string): ReconcilingStep => step("create type", `alter type ${identity} ${change}`);
  return [
    ...found
      .filter((attribute) => !kept.includes(attribute))
      .map(([name]) => alter(`drop attribute ${identifier(name)}`)),
    ...kept
      .map(([name, type], index) => ({ name, type, expected: wanted[index]![1] }))
      .filter((attribute) => attribute.type !== attribute.expected)
      .map(({ name, expected: type }) => alter(`alter attribute ${identifier(name)} type ${type}`)),
    ...wanted.slice(kept.length).map(([name, type]) => alter(`add attribute ${identifier(name)} ${type}`)),
  ];
};

export const reconcileRange: Reconcile = ({ expected, identity }) =>
  expected === undefined
    ? [step("drop type", `drop type ${identity}`)]
    : { byHand: "create the range type again, with what depends on it" };

function checksOf(value: unknown): Map<string, string> {
  return new Map(Object.entries((value ?? {}) as Record<string, string>));
}

function attributesOf(value: unknown): [string, string][] {
  return (value ?? []) as [string, string][];
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
