import { describe, expect, it } from "vitest";
import { hashJson } from "../../../src/lib/hash.ts";
import { fingerprintOf, type Fingerprint } from "../../../src/postgres/drift/fingerprint.ts";
import { judgeDrift } from "../../../src/postgres/drift/three-way.ts";

const AT = "2026-11-20T08:00:00Z";

/** A schema of one column of this type; of none when left out. */
function column(type?: string): Fingerprint {
  if (type === undefined) return fingerprintOf(180_000, []);
  const definition = { type };
  return fingerprintOf(180_000, [
    {
      kind: "column",
      identity: "public.users.email",
      on: "public.users",
      name: "email",
      definition,
      hash: hashJson(definition),
      sql: null,
    },
  ]);
}

const sentences = (
  live?: string,
  files?: string | null,
  recorded?: string | null,
  migratedSince = false,
): string[] =>
  judgeDrift({
    live: column(live),
    files: files === null ? undefined : column(files),
    recorded: recorded === null ? undefined : { at: AT, fingerprint: column(recorded), migratedSince },
  }).map(({ sentence }) => sentence);

describe("three-way drift", () => {
  it("says nothing when all three agree", () => {
    expect(sentences("text", "text", "text")).toEqual([]);
  });

  it("blames nobody outside for what files that have run since may have done, and still for what they have not", () => {
    const since = `after ${AT}, by a file that has run since or outside tminus`;
    expect(sentences("int", "int", "text", true)).toEqual([]);
    expect(sentences("int", "int", undefined, true)).toEqual([]);
    expect(sentences("int", null, "text", true)).toEqual([
      `column public.users.email: changed ${since} (recorded ≠ live); type: text → int`,
    ]);
    expect(sentences("int", "text", "date", true)).toEqual([
      `column public.users.email: changed ${since}, and the files say something else again (files ≠ recorded ≠ live); type: text → int`,
    ]);
    expect(sentences("int", "text", "text", true)[0]).toContain("changed outside tminus");
  });

  it.each([
    [
      "int",
      "text",
      "text",
      `changed outside tminus after ${AT} (recorded ≠ live, files = recorded); type: text → int`,
    ],
    [
      "int",
      "int",
      "text",
      `changed outside tminus after ${AT}, to what the files say (recorded ≠ live, files = live); type: text → int`,
    ],
    [
      "int",
      "text",
      "int",
      `not as the files say, and was so on ${AT} (recorded = live, files ≠ live); type: text → int`,
    ],
    [
      "int",
      "text",
      "date",
      `changed outside tminus after ${AT}, and the files say something else again (files ≠ recorded ≠ live); type: text → int`,
    ],
    ["int", undefined, undefined, `created outside tminus after ${AT} (recorded ≠ live, files = recorded)`],
    [undefined, "text", "text", `dropped outside tminus after ${AT} (recorded ≠ live, files = recorded)`],
    ["int", "text", null, "not as the files say (files ≠ live); type: text → int"],
    ["int", undefined, null, "not in the files (files ≠ live)"],
    [undefined, "text", null, "missing (files ≠ live)"],
    ["int", null, "text", `changed outside tminus after ${AT} (recorded ≠ live); type: text → int`],
  ])("live %s, files %s, recorded %s", (live, files, recorded, sentence) => {
    expect(sentences(live, files, recorded)).toEqual([`column public.users.email: ${sentence}`]);
  });
});
