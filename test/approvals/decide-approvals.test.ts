import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decideApprovals,
  exclusions,
  type Approval,
  type ApprovalPolicy,
  type Exclusion,
  type Situation,
} from "../../src/approvals/decide-approvals.ts";
import type { GitPerson } from "../../src/approvals/same-person.ts";
import { uncheckedActor, type Actor } from "../../src/model/actor.ts";
import type { Role } from "../../src/model/role.ts";

const AT = new Date("2026-11-21T10:00:00Z");
const later = (minutes: number): Date => new Date(AT.getTime() + minutes * 60_000);

/** A person as they really are; the decision sees only their names and tokens. */
interface Human {
  name: string;
  isApprover: boolean;
  /** What they had a part in. */
  wrote: readonly Exclusion[];
}

interface Vote extends Approval {
  human: Human;
}

const emailOf = ({ name }: Human): string => `${name}@example.com`;

/** Every way in which somebody can act. */
function guises(human: Human): Actor[] {
  const { name, isApprover } = human;
  const emails = [emailOf(human), `${name}@home.example`];
  const roles: Role[] = isApprover ? ["operator", "approver"] : ["operator", "admin"];
  const user = { name, emails, roles };
  return [
    { ...user, checked: { by: "password" }, kind: "human" },
    { ...user, checked: { by: "token", token: `${name}-human` }, kind: "human" },
    { ...user, checked: { by: "token", token: `${name}-narrow` }, kind: "human", roles: [] },
    { ...user, checked: { by: "token", token: `${name}-agent` }, kind: "agent" },
    uncheckedActor(` ${name.toUpperCase()}`),
    uncheckedActor(emailOf(human)),
  ];
}

/** Every way in which git can name somebody. */
function signatures(human: Human): GitPerson[] {
  return [
    { name: human.name, email: "unknown@elsewhere.example" },
    { name: "Some Full Name", email: emailOf(human).toUpperCase() },
    { name: "x", email: `${human.name}@home.example` },
    { name: "x", email: `4711+${human.name}@users.noreply.github.com` },
  ];
}

function situationOf(humans: readonly Human[], starter: Actor, variant: number, isChecked = true): Situation {
  // Only a user's e-mail connects a name that nobody has checked with the e-mail of a commit.
  const signature = isChecked ? variant % 4 : 0;
  const by = (part: Exclusion): GitPerson[] =>
    humans.filter(({ wrote }) => wrote.includes(part)).map((human) => signatures(human)[signature]!);
  return {
    planHash: "hash",
    starter,
    authors: by("authors"),
    migrationAuthors: by("migration-authors"),
    configEditors: by("config-editor"),
    newerPlans: [],
    now: later(1),
  };
}

const OUTSIDER: Actor = { ...uncheckedActor("zoe"), checked: { by: "password" }, kind: "human" };

const policyOf = (change: Partial<ApprovalPolicy> = {}): ApprovalPolicy => ({
  count: 1,
  roles: ["approver"],
  not: exclusions,
  agents: "ignore",
  checked: true,
  ...change,
});

const voteOf = (human: Human, actor: Actor, change: Partial<Approval> = {}): Vote => ({
  human,
  actor,
  at: AT,
  planHash: "hash",
  ...change,
});

/** Whether this vote may speak for its person, said without the code under test. */
function speaks({ actor, human }: Vote, { agents, checked, roles }: ApprovalPolicy): boolean {
  if (actor.checked.by === "none") return !checked && roles.length === 0;
  if (actor.kind === "agent" && agents === "ignore") return false;
  return roles.length === 0 || (human.isApprover && actor.roles.includes("approver"));
}

/** Names that nobody checks are told apart only as they are spelt: then everybody is to spell theirs. */
function isTold({ checked }: ApprovalPolicy, { name }: Actor): boolean {
  return checked || !name.includes("@");
}

/** Throws unless exactly those people count who may, each once. */
function check(
  policy: ApprovalPolicy,
  situation: Situation,
  starter: Human | undefined,
  all: readonly Vote[],
): void {
  if (!isTold(policy, situation.starter)) return;
  const votes = all.filter(({ actor }) => isTold(policy, actor));
  const isHidden = policy.checked && situation.starter.checked.by === "none";
  const decision = decideApprovals(policy, situation, votes);
  const counted = decision.counted.map(({ human }) => human);
  const may = new Set(
    votes
      .filter((vote) => speaks(vote, policy))
      .map(({ human }) => human)
      .filter((human) => !isHidden && human !== starter && human.wrote.length === 0),
  );
  const isRight =
    counted.length === may.size &&
    counted.every((human) => may.has(human)) &&
    new Set(counted).size === counted.length &&
    decision.isEnough === may.size >= policy.count &&
    decision.counted.length + decision.notCounted.length === votes.length;
  // One expectation for each of a million cases would take minutes.
  if (!isRight) expect({ policy, situation, votes, counted }).toBe(`${may.size} people count`);
}

const PARTS = ["authors", "migration-authors", "config-editor"] as const;
const partSets: Exclusion[][] = Array.from({ length: 8 }, (_, bits) =>
  PARTS.filter((_part, index) => (bits >> index) % 2 === 1),
);
const traits = [true, false].flatMap((isApprover) => partSets.map((wrote) => ({ isApprover, wrote })));
const policies = [1, 2, 3].flatMap((count) =>
  (["count", "ignore"] as const).flatMap((agents) => [
    policyOf({ count, agents }),
    policyOf({ count, agents, checked: true, roles: [] }),
    policyOf({ count, agents, checked: false, roles: [] }),
  ]),
);

/** All choices of `size` out of `values` with repetition; who is who makes no difference. */
function* multisets<T>(values: readonly T[], size: number, from = 0): Generator<T[]> {
  if (size === 0) return yield [];
  for (let index = from; index < values.length; index++)
    for (const rest of multisets(values, size - 1, index)) yield [values[index]!, ...rest];
}

describe("of every set of up to four people with every role and every part in the release", () => {
  it.each([1, 2, 3, 4])("%i people count once each, and none who started, wrote or edited it", (size) => {
    let cases = 0;
    for (const chosen of multisets(traits, size)) {
      const humans = chosen.map((trait, index): Human => ({
        name: ["ann", "bob", "eve", "kim"][index]!,
        ...trait,
      }));
      // Everybody approves in every guise.
      const votes = humans.flatMap((human) => guises(human).map((actor) => voteOf(human, actor)));
      for (const starter of [undefined, ...humans]) {
        const guise = starter === undefined ? OUTSIDER : guises(starter)[cases % 6]!;
        const tried = size < 3 ? policies : [policies[cases % policies.length]!];
        for (const policy of tried)
          check(policy, situationOf(humans, guise, cases >> 1, policy.checked), starter, votes);
        cases++;
      }
    }
    expect(cases).toBe([0, 32, 408, 3264, 19_380][size]);
  });

  it("two people count in no other way whichever of their names and tokens they approve with", () => {
    const simple = [true, false].flatMap((isApprover) =>
      [[], ["authors"] as const].map((wrote) => ({ isApprover, wrote })),
    );
    let cases = 0;
    for (const chosen of multisets(simple, 2)) {
      const humans = chosen.map((trait, index): Human => ({ name: ["ann", "bob"][index]!, ...trait }));
      const all = humans.flatMap((human) => guises(human).map((actor) => voteOf(human, actor)));
      for (let bits = 0; bits < 1 << all.length; bits++) {
        const votes = all.filter((_, index) => (bits >> index) % 2 === 1);
        const starter = [undefined, ...humans][bits % 3];
        const guise = starter === undefined ? OUTSIDER : guises(starter)[bits % 6]!;
        const policy = policies[(bits + cases) % policies.length]!;
        check(policy, situationOf(humans, guise, bits, policy.checked), starter, votes);
        cases++;
      }
    }
    expect(cases).toBe(10 * 4096);
  });

  it("nothing depends on the order of the approvals but which of a person's counts", () => {
    const human = fc.record({ isApprover: fc.boolean(), wrote: fc.subarray([...PARTS]) });
    const property = fc.property(
      fc.array(human, { minLength: 1, maxLength: 6 }),
      fc.infiniteStream(fc.nat(1000)),
      fc.constantFrom(...policies),
      (chosen, random, policy) => {
        const next = (limit: number): number => random.next().value! % limit;
        const humans = chosen.map((one, index): Human => ({ name: `user${index}`, ...one }));
        const votes = Array.from({ length: next(30) }, () => {
          const who = humans[next(humans.length)]!;
          return voteOf(who, guises(who)[next(6)]!);
        });
        const starter = [undefined, ...humans][next(humans.length + 1)];
        const guise = starter === undefined ? OUTSIDER : guises(starter)[next(6)]!;
        check(policy, situationOf(humans, guise, next(4), policy.checked), starter, votes);
      },
    );
    fc.assert(property, { numRuns: 500 });
  });
});

describe("an approval", () => {
  const ann: Human = { name: "ann", isApprover: true, wrote: [] };
  const good = voteOf(ann, guises(ann)[0]!);
  const base = situationOf([ann], OUTSIDER, 0);
  const reasonOf = (
    change: Partial<Approval>,
    situation: Partial<Situation> = {},
    policy: Partial<ApprovalPolicy> = {},
  ): string => {
    const { notCounted } = decideApprovals(policyOf(policy), { ...base, ...situation }, [
      { ...good, ...change },
    ]);
    return notCounted[0]?.reason ?? "counts";
  };

  it("counts for its plan, as long as it has not expired", () => {
    expect(reasonOf({})).toBe("counts");
    expect(reasonOf({ planHash: "other" })).toBe("it was given for another plan");
    const expiresMs = 4 * 3_600_000;
    expect(reasonOf({}, { now: later(240) }, { expiresMs })).toBe("counts");
    expect(reasonOf({}, { now: later(241) }, { expiresMs })).toBe("it has expired");
  });

  it("is void when a newer plan of the release was started after it, also when that one has ended", () => {
    const newer = (minutes: number, hasEnded: boolean) => ({
      newerPlans: [{ runId: "r2", startedAt: later(minutes), hasEnded }],
    });
    const stale = "the plan is stale: run r2 has a newer one of this release";
    expect(reasonOf({}, newer(1, false))).toBe(stale);
    expect(reasonOf({}, newer(1, true))).toBe(stale);
    expect(reasonOf({}, newer(0, true))).toBe(stale);
    expect(reasonOf({}, newer(-1, false))).toBe(stale);
    expect(reasonOf({}, newer(-1, true))).toBe("counts");
  });

  it("counts again when the person approves again after the first one expired", () => {
    const again = { ...good, at: later(200) };
    const decision = decideApprovals(policyOf({ expiresMs: 3_600_000 }), { ...base, now: later(201) }, [
      good,
      again,
    ]);
    expect(decision.counted).toEqual([again]);
    expect(decision.isEnough).toBe(true);
  });

  it("counts of those named alone, when people are named", () => {
    expect(reasonOf({}, {}, { from: ["bob"] })).toBe("they are not among those named");
    expect(reasonOf({}, {}, { from: ["ANN"] })).toBe("counts");
  });

  it("says which part it was that keeps the person from it", () => {
    const author = { name: "Ann", email: "ANN@example.com" };
    expect(reasonOf({}, { starter: good.actor })).toBe("they started the run");
    expect(reasonOf({}, { authors: [author] })).toBe(
      "they wrote commits of this release, as Ann <ANN@example.com>",
    );
    expect(reasonOf({}, { migrationAuthors: [author] })).toContain("they wrote migrations of this release");
    expect(reasonOf({}, { configEditors: [author] })).toContain("they edited the runbook last");
    expect(reasonOf({}, { authors: [author] }, { not: ["starter"] })).toBe("counts");
  });

  it("counts for nothing when it is not known who started the run, which may have been the same person", () => {
    const hidden = { starter: uncheckedActor("zoe") };
    expect(reasonOf({}, hidden)).toBe("nobody has checked who started the run, so it may have been they");
    expect(reasonOf({}, hidden, { not: ["authors"] })).toBe("counts");
    expect(reasonOf({}, hidden, { checked: false })).toBe("counts");
  });

  it("is that of the starter, too, when only a third name connects the two", () => {
    const link = { ...uncheckedActor("ann"), emails: ["a@example.com"] };
    const other: Actor = { ...good.actor, name: "annie", emails: ["a@example.com"] };
    const votes = [
      { ...good, actor: other },
      { ...good, actor: link },
    ];
    const situation = { ...base, starter: { ...OUTSIDER, name: "ann" } };
    expect(decideApprovals(policyOf(), situation, votes).counted).toEqual([]);
  });
});
