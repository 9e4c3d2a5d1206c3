import { describe, expect, it } from "vitest";
import { blockingTrees, type BlockingNode } from "../../../src/postgres/diagnose/blocking.ts";
import { judgeSession } from "../../../src/postgres/diagnose/judge-session.ts";
import type { SessionFacts } from "../../../src/postgres/diagnose/session-facts.ts";
import { stalledMigrations } from "../../../src/postgres/diagnose/stalled.ts";

function session(pid: number, change: Partial<SessionFacts> = {}): SessionFacts {
  return {
    pid,
    backendStart: "2026-01-01 00:00:00+00",
    queryStart: null,
    user: "app",
    application: "web",
    client: "",
    state: "active",
    waitsFor: "",
    transactionSeconds: 1,
    querySeconds: 1,
    stateSeconds: 1,
    query: "select 1",
    blockedBy: [],
    ...change,
  };
}

const shape = ({ session: { pid }, blocks, waiting }: BlockingNode): unknown => [
  pid,
  blocks,
  waiting.map(shape),
];

describe("blockingTrees", () => {
  it("puts the session that blocks most at the top and counts those behind others", () => {
    const sessions = [
      session(1),
      session(2, { blockedBy: [1] }),
      session(3, { blockedBy: [2, 1] }),
      session(4),
      session(5, { blockedBy: [4] }),
      session(6),
    ];
    expect(blockingTrees(sessions).map(shape)).toEqual([
      [
        1,
        2,
        [
          [2, 1, [[3, 0, []]]],
          [3, 0, []],
        ],
      ],
      [4, 1, [[5, 0, []]]],
    ]);
  });

  it("ends on a cycle, and on a blocker that has no session", () => {
    const cycle = [session(1, { blockedBy: [2] }), session(2, { blockedBy: [1] })];
    expect(blockingTrees(cycle).map(shape)).toEqual([[1, 1, [[2, 1, []]]]]);
    expect(blockingTrees([session(1, { blockedBy: [0] })])).toEqual([]);
  });
});

describe("judgeSession", () => {
  const waiter = session(9, { blockedBy: [1] });
  it.each<[string, SessionFacts, SessionFacts[], unknown]>([
    ["a blocker at work", session(1), [waiter], { harm: true, how: "cancel" }],
    [
      "a blocker that idles in its transaction",
      session(1, { state: "idle in transaction" }),
      [waiter],
      { harm: true, how: "terminate" },
    ],
    [
      "a forgotten transaction",
      session(1, { state: "idle in transaction", stateSeconds: 61 }),
      [],
      { harm: true, how: "terminate" },
    ],
    ["a long statement", session(1, { querySeconds: 61 }), [], { harm: true, how: "cancel" }],
    ["a short statement", session(1), [], { harm: false }],
    [
      "a member of a pool that idles for hours",
      session(1, { state: "idle", stateSeconds: 9_999, querySeconds: 9_999 }),
      [],
      { harm: false },
    ],
    ["one that this role may not see", session(1, { state: "hidden" }), [waiter], { harm: false }],
    [
      "one of tminus's own, even when it blocks",
      session(1, { application: "tminus migrate x" }),
      [waiter],
      { harm: false },
    ],
  ])("judges %s", (_, one, others, verdict) => {
    expect(judgeSession(one, [one, ...others])).toMatchObject(verdict as object);
  });
});

describe("stalledMigrations", () => {
  it("finds schema changes that wait, by their text or because they are tminus's own, and who queues behind", () => {
    const sessions = [
      session(1, { state: "idle in transaction" }),
      session(2, { query: "alter table users add x int", blockedBy: [1], querySeconds: 3 }),
      session(3, { query: "select * from users", blockedBy: [2] }),
      session(4, {
        application: "tminus migrate r1",
        query: "update t set x = 1",
        blockedBy: [1],
        querySeconds: 5,
      }),
      session(5, { query: "select created from users", blockedBy: [1] }),
    ];
    expect(
      stalledMigrations(sessions).map((one) => [
        one.session.pid,
        one.blockers.map(({ pid }) => pid),
        one.queuedBehind,
      ]),
    ).toEqual([
      [4, [1], 0],
      [2, [1], 1],
    ]);
  });
});
