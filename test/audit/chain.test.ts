import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openChain, type Chain, type Link } from "../../src/audit/chain.ts";
import type { AuditProblem } from "../../src/audit/problem.ts";
import type { AuditEvent, ChainHead } from "../../src/model/audit.ts";
import { auditedRun, recordsOf } from "../support/audited-run.ts";
import { freshState, type TestState } from "../support/state.ts";

const COUNT = 10_000;

let state: TestState;
let events: AuditEvent[];
let head: ChainHead;
beforeAll(async () => {
  state = await freshState();
  await auditedRun(state, "long", COUNT);
  const records = await recordsOf(state, "long");
  events = records.filter((record) => record.kind === "event");
  head = records.find((record) => record.kind === "run")!.head;
}, 60_000);
afterAll(() => state.drop());

function linkOf({ sequence, at, type, actor, data, hash }: AuditEvent): Link {
  return { sequence, hash, covered: [sequence, at, type, actor, data] };
}

/** What is found from position `index` on, given that everything before it is as it was written. */
function foundFrom(index: number, change: (chain: Chain) => void): AuditProblem[] {
  const problems: AuditProblem[] = [];
  const start = { sequence: index, hash: events[index - 1]?.hash ?? "" };
  change(openChain((problem) => problems.push(problem), "event", start));
  return problems;
}

/** The event at `index` as `change` leaves it, then the two that follow. */
function foundAfterEdit(index: number, change: Partial<AuditEvent>): AuditProblem[] {
  return foundFrom(index, (chain) => {
    chain.add(linkOf({ ...events[index]!, ...change }));
    for (const event of events.slice(index + 1, index + 3)) chain.add(linkOf(event));
    if (index + 3 >= COUNT) chain.end(head);
  });
}

/**
 * A chain is followed link by link and a problem, once told, is never taken back. So it is enough to begin right before
 * the change, with what is known there, and to stop when the change was met: that is done for every position.
 */
describe("a chain of 10,000 events as Postgres wrote it", { timeout: 60_000 }, () => {
  it("is sound as it is, link by link and as a whole", () => {
    expect(events).toHaveLength(COUNT);
    const problems = foundFrom(0, (chain) => {
      for (const event of events) chain.add(linkOf(event));
      chain.end(head);
    });
    expect(problems).toEqual([]);
    for (let index = 0; index < COUNT; index++) expect(foundAfterEdit(index, {})).toEqual([]);
  });

  const edits: Record<string, (event: AuditEvent) => Partial<AuditEvent>> = {
    at: ({ at }) => ({ at: at.replace(/.Z$/, (end) => (end === "0Z" ? "1Z" : "0Z")) }),
    type: ({ type }) => ({ type: `${type}d` }),
    actor: ({ actor }) => ({ actor: `${actor} ` }),
    data: ({ data }) => ({ data: data.replace("{", "{ ") }),
    hash: ({ hash }) => ({ hash: (hash.startsWith("0") ? "1" : "0") + hash.slice(1) }),
  };
  for (const [column, edit] of Object.entries(edits)) {
    it(`shows every edit of ${column}, at the event that was edited and at no other`, () => {
      for (let index = 0; index < COUNT; index++) {
        const [first, ...others] = foundAfterEdit(index, edit(events[index]!));
        expect(first).toMatchObject({ how: "edited", sequence: index + 1 });
        expect(others).toEqual([]);
      }
    });
  }

  it("shows every edit of the number, whether to one that is taken or to one that is not", () => {
    for (let index = 0; index < COUNT; index++) {
      for (const sequence of [0, index, index + 2, COUNT + 1, -1]) {
        const found = foundAfterEdit(index, { sequence });
        expect(found.length, `${index + 1} as ${sequence}`).toBeGreaterThan(0);
      }
    }
  });

  it("shows every event that is missing, also when the others move up", () => {
    for (let index = 0; index < COUNT - 1; index++) {
      const found = foundFrom(index, (chain) => {
        chain.add(linkOf(events[index + 1]!));
        chain.end({ sequence: index + 2, hash: events[index + 1]!.hash });
      });
      expect(found).toMatchObject([{ how: "missing", sequence: index + 1 }]);
      const movedUp = foundFrom(index, (chain) =>
        chain.add(linkOf({ ...events[index + 1]!, sequence: index + 1 })),
      );
      expect(movedUp).toMatchObject([{ how: "edited", sequence: index + 1 }]);
    }
  });

  it("shows every pair that stands in each other's place, as rows and as lines", () => {
    for (let index = 0; index < COUNT - 1; index++) {
      const [a, b] = [events[index]!, events[index + 1]!];
      const rows = foundFrom(index, (chain) => {
        chain.add(linkOf({ ...b, sequence: a.sequence }));
        chain.add(linkOf({ ...a, sequence: b.sequence }));
      });
      expect(rows.map(({ how }) => how)).toEqual(["edited", "edited"]);
      const lines = foundFrom(index, (chain) => {
        chain.add(linkOf(b));
        chain.add(linkOf(a));
      });
      expect(lines).toMatchObject([{ how: "out-of-order", sequence: index + 1 }]);
    }
  });

  it("shows every end that is cut off, and every head that was moved", () => {
    for (let index = 0; index < COUNT; index++) {
      const cut = foundFrom(index, (chain) => chain.end(head));
      expect(cut).toMatchObject([{ how: "cut-off", sequence: index + 1 }]);
      const moved = foundFrom(index, (chain) => {
        chain.add(linkOf(events[index]!));
        chain.end({ sequence: index, hash: events[index - 1]?.hash ?? "" });
      });
      expect(moved).toMatchObject([{ how: "edited", sequence: index + 1 }]);
    }
  });

  it("shows an event that comes twice", () => {
    for (let index = 1; index < COUNT; index++) {
      const found = foundFrom(index, (chain) => chain.add(linkOf(events[index - 1]!)));
      expect(found).toMatchObject([{ how: "out-of-order", sequence: index }]);
    }
  });

  it("tells gaps as ranges, and a line that comes late as out of its place", () => {
    const found = foundFrom(0, (chain) => {
      for (const index of [0, 5, 3, 9]) chain.add(linkOf(events[index]!));
      chain.end({ sequence: 10, hash: events[9]!.hash });
    });
    expect(found.map(({ text }) => text)).toEqual([
      "event 4 comes after event 6",
      "events 2 to 3 are missing",
      "event 5 is missing",
      "events 7 to 9 are missing",
    ]);
  });
});
