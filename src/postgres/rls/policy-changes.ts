import { compareFingerprints } from "../drift/compare.ts";
import type { CatalogObject, Fingerprint } from "../drift/fingerprint.ts";

/** What one role may do that it could not before, or no longer may. */
export interface AccessChange {
  role: string;
  change: "gained" | "lost";
  /** "SELECT on table public.users", "select by policy public.users.own where (true)". */
  what: string;
}

/** Pure: policies, grants, row security flags, views and definer functions between two schemas, told by role. */
export function accessChanges(before: Fingerprint, after: Fingerprint): AccessChange[] {
  return compareFingerprints(before, after).flatMap(({ kind, expected, live }) => {
    if (kind === "grants") return grantChanges(expected, live);
    if (kind === "policy") return policyChanges(expected, live);
    if (kind === "table") return flagChanges(expected, live);
    if (kind === "view") return viewChanges(expected, live);
    return [];
  });
}

function grantChanges(before: CatalogObject | undefined, after: CatalogObject | undefined): AccessChange[] {
  const object = (after ?? before)!;
  const where = object.name === null ? object.on : `${object.on} (${object.name})`;
  const roles = new Set([...Object.keys(before?.definition ?? {}), ...Object.keys(after?.definition ?? {})]);
  return [...roles].sort().flatMap((role) => {
    const [had, has] = [listOf(before, role), listOf(after, role)];
    return both(role, minus(has, had), minus(had, has), (right) => `${right} on ${where}`);
  });
}

/** A policy is seen as the sum of what it lets each of its roles do: a changed one is lost and gained. */
function policyChanges(before: CatalogObject | undefined, after: CatalogObject | undefined): AccessChange[] {
  const roles = new Set([...listOf(before, "roles"), ...listOf(after, "roles")]);
  return [...roles].sort().flatMap((role) => {
    const had = listOf(before, "roles").includes(role) ? [describe(before!)] : [];
    const has = listOf(after, "roles").includes(role) ? [describe(after!)] : [];
    return both(role, minus(has, had), minus(had, has), (what) => what, {
      isRestriction: (after ?? before)!.definition.permissive === false,
    });
  });
}

function describe({ identity, definition }: CatalogObject): string {
  const { command, using, withCheck, permissive } = definition;
  const conditions = [
    ...(typeof using === "string" ? [`where ${using}`] : []),
    ...(typeof withCheck === "string" ? [`checking ${withCheck}`] : []),
  ];
  return `${typeof command === "string" ? command : "all"} by ${permissive === false ? "restrictive " : ""}policy ${identity} ${conditions.join(" ")}`.trim();
}

function flagChanges(before: CatalogObject | undefined, after: CatalogObject | undefined): AccessChange[] {
  if (after === undefined) return [];
  const [had, has] = [before?.definition.rowSecurity === true, after.definition.rowSecurity === true];
  if (before === undefined || had === has) return [];
  const what = `every row of table ${after.identity} that its grants reach: row security is ${has ? "on" : "off"}`;
  return [{ role: "every role with a grant", change: has ? "lost" : "gained", what }];
}

function viewChanges(before: CatalogObject | undefined, after: CatalogObject | undefined): AccessChange[] {
  if (after === undefined) return [];
  const invokes = (view: CatalogObject): boolean =>
    listOf(view, "options").some((option) => /^security_invoker=(true|on|1|yes)$/i.test(option));
  const had = before === undefined ? true : invokes(before);
  if (had === invokes(after)) return [];
  const what = `what view ${after.identity} shows with the rights of its ${had ? "owner" : "caller"}`;
  return [{ role: "every role with a grant", change: had ? "gained" : "lost", what }];
}

/** A restrictive policy takes away where a permissive one gives. */
function both(
  role: string,
  fresh: string[],
  gone: string[],
  word: (item: string) => string,
  { isRestriction = false }: { isRestriction?: boolean } = {},
): AccessChange[] {
  const [gained, lost] = isRestriction ? [gone, fresh] : [fresh, gone];
  return [
    ...gained.map((item): AccessChange => ({ role, change: "gained", what: word(item) })),
    ...lost.map((item): AccessChange => ({ role, change: "lost", what: word(item) })),
  ];
}

function minus(items: readonly string[], others: readonly string[]): string[] {
  return items.filter((item) => !others.includes(item));
}

function listOf(object: CatalogObject | undefined, name: string): string[] {
  const value = object?.definition[name];
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
