import { readFingerprint } from "../drift/fingerprint.ts";
import type { Difference } from "./rehearsal.ts";
import type { Workbench } from "./workbench.ts";

/** Object → hash of its definition. */
export type Catalog = ReadonlyMap<string, string>;

/** Everything of the schema that a migration can change, but the order of columns. Reads only. */
export async function readCatalog(bench: Workbench): Promise<Catalog> {
  const { objects } = await readFingerprint(bench, {
    exclude: ["tminus_rehearsal"],
    extensionVersions: true,
  });
  return new Map(objects.map(({ kind, identity, hash }) => [`${kind} ${shown(identity)}`, hash]));
}

/** Pure: what is in `now` compared with `then`. Sorted by name. */
export function compareCatalogs(then: Catalog, now: Catalog): Difference[] {
  const names = [...new Set([...then.keys(), ...now.keys()])].toSorted();
  return names.flatMap((object): Difference[] => {
    if (!now.has(object)) return [{ object, change: "missing" }];
    if (!then.has(object)) return [{ object, change: "extra" }];
    return then.get(object) === now.get(object) ? [] : [{ object, change: "different" }];
  });
}

function shown(identity: string): string {
  return identity.replace(/^public\./, "");
}
