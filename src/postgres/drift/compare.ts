import type { Json } from "../../model/json.ts";
import { canonicalJson } from "../../lib/hash.ts";
import { objectKinds, type CatalogObject, type Fingerprint, type ObjectKind } from "./fingerprint.ts";

/** One object that is not as expected. */
export interface Difference {
  kind: ObjectKind;
  identity: string;
  /** Missing: expected and not live. Extra: live and not expected. */
  state: "missing" | "extra" | "changed";
  /** For a changed object what differs, by name; empty for the other states. */
  properties: PropertyDifference[];
  expected: CatalogObject | undefined;
  live: CatalogObject | undefined;
  /** The table, view or column that is missing or extra as a whole, and this with it. */
  within: string | undefined;
}

export interface PropertyDifference {
  name: string;
  /** Undefined: the plain case. */
  expected: Json | undefined;
  live: Json | undefined;
}

/** Pure: what differs, in the order of objectKinds and of creation. Equal fingerprints give nothing. */
export function compareFingerprints(expected: Fingerprint, live: Fingerprint): Difference[] {
  if (expected.digest === live.digest) return [];
  const before = byKey(expected.objects);
  const after = byKey(live.objects);
  const found: Omit<Difference, "within">[] = [];
  for (const object of expected.objects) {
    const other = after.get(keyOf(object));
    if (other?.hash === object.hash) continue;
    found.push({
      kind: object.kind,
      identity: object.identity,
      state: other === undefined ? "missing" : "changed",
      properties: other === undefined ? [] : differingProperties(object, other),
      expected: object,
      live: other,
    });
  }
  for (const object of live.objects) {
    if (before.has(keyOf(object))) continue;
    const { kind, identity } = object;
    found.push({ kind, identity, state: "extra", properties: [], expected: undefined, live: object });
  }
  found.sort((a, b) => objectKinds.indexOf(a.kind) - objectKinds.indexOf(b.kind));
  const whole = new Map(
    found
      .filter(({ state }) => state !== "changed")
      .map((difference) => [`${difference.state} ${difference.identity}`, difference.identity]),
  );
  return found.map((difference) => ({ ...difference, within: containerOf(difference, whole) }));
}

/** "column public.users.email": kind and identity as one name, unique in a fingerprint. */
export function keyOf({ kind, identity }: { kind: ObjectKind; identity: string }): string {
  return `${kind} ${identity}`;
}

export function byKey(objects: readonly CatalogObject[]): Map<string, CatalogObject> {
  return new Map(objects.map((object) => [keyOf(object), object]));
}

/** "type: text → integer; default: none → 0". */
export function describeProperties(properties: readonly PropertyDifference[]): string {
  return properties
    .map(({ name, expected, live }) => `${name}: ${shown(expected)} → ${shown(live)}`)
    .join("; ");
}

const MAX_SHOWN = 60;

function shown(value: Json | undefined): string {
  if (value === undefined) return "none";
  const text = typeof value === "string" ? value : canonicalJson(value);
  const line = text.replaceAll(/\s+/g, " ");
  return line.length > MAX_SHOWN ? `${line.slice(0, MAX_SHOWN)}…` : line;
}

function differingProperties(expected: CatalogObject, live: CatalogObject): PropertyDifference[] {
  const names = new Set([...Object.keys(expected.definition), ...Object.keys(live.definition)]);
  return [...names].sort().flatMap((name) => {
    const [wanted, found] = [expected.definition[name], live.definition[name]];
    const isEqual =
      wanted === found ||
      (wanted !== undefined && found !== undefined && canonicalJson(wanted) === canonicalJson(found));
    return isEqual ? [] : [{ name, expected: wanted, live: found }];
  });
}

/** A grant is on "table public.users": the object follows the word. */
function containerOf(
  { state, kind, expected, live }: Omit<Difference, "within">,
  whole: ReadonlyMap<string, string>,
): string | undefined {
  const on = (expected ?? live)?.on;
  const name = (expected ?? live)?.name;
  if (on === undefined || on === null || state === "changed") return undefined;
  if (kind !== "grants") return whole.get(`${state} ${on}`);
  const target = on.slice(on.indexOf(" ") + 1);
  return (
    whole.get(`${state} ${target}`) ?? (name === null ? undefined : whole.get(`${state} ${target}.${name}`))
  );
}
