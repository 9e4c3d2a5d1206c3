import type { CatalogObject } from "../fingerprint.ts";
import { step, textsOf, type Reconcile, type ReconcilingStep } from "./step.ts";

export const reconcileGrants: Reconcile = ({ expected, live }) => {
  const object = (expected ?? live)!;
  return changes(expected, live, (verb, rights, role, option) => {
    const list =
      object.name === null ? rights.join(", ") : rights.map((r) => `${r} (${object.name})`).join(", ");
    return `${verb} ${list} on ${object.on} ${verb === "grant" ? "to" : "from"} ${role}${option}`;
  });
};

export const reconcileDefaultGrants: Reconcile = ({ expected, live }) => {
  const { on, name } = (expected ?? live)!;
  return changes(
    expected,
    live,
    (verb, rights, role, option) =>
      `alter default privileges ${on} ${verb} ${rights.join(", ")} on ${name} ${verb === "grant" ? "to" : "from"} ${role}${option}`,
  );
};

type Word = (verb: "grant" | "revoke", rights: string[], role: string, option: string) => string;

/** A right that may be passed on carries an asterisk: to lose only that, it is revoked and granted again. */
function changes(
  expected: CatalogObject | undefined,
  live: CatalogObject | undefined,
  word: Word,
): ReconcilingStep[] {
  const roles = new Set([...Object.keys(expected?.definition ?? {}), ...Object.keys(live?.definition ?? {})]);
  return [...roles].sort().flatMap((role) => {
    const [wanted, found] = [textsOf(expected, role), textsOf(live, role)];
    const gone = found.filter((right) => !wanted.includes(right) && !wanted.includes(`${right}*`));
    const fresh = wanted.filter((right) => !found.includes(right));
    const plain = fresh.filter((right) => !right.endsWith("*"));
    const passing = fresh.filter((right) => right.endsWith("*"));
    const bare = (rights: string[]): string[] => rights.map((right) => right.replace("*", ""));
    return [
      ...(gone.length > 0 ? [step("grant", word("revoke", bare(gone), role, ""))] : []),
      ...(plain.length > 0 ? [step("grant", word("grant", plain, role, ""))] : []),
      ...(passing.length > 0
        ? [step("grant", word("grant", bare(passing), role, " with grant option"))]
        : []),
    ];
  });
}
