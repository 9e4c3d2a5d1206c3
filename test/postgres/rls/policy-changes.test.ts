import { describe, expect, it } from "vitest";
import { accessChanges } from "../../../src/postgres/rls/policy-changes.ts";
import { openRlsWorld } from "./world.ts";

describe("access changes", () => {
  it("say which role gained and lost what", async () => {
    await using world = await openRlsWorld(
      "create view bills with (security_invoker = true) as select * from invoices",
    );
    const before = await world.drift.look();
    expect(accessChanges(before, before)).toEqual([]);
    await world.drift.run(`
      grant select (user_id) on members to tminus_anon; revoke delete on invoices from tminus_anon;
      alter policy own on members using (true); alter table countries disable row level security;
      alter view bills reset (security_invoker);
      create policy narrow on invoices as restrictive for delete to tminus_member using (total = 0)`);
    const lines = accessChanges(before, await world.drift.look()).map(
      ({ role, change, what }) => `${role} ${change} ${what}`,
    );
    expect(lines.map((line) => line.replace(/\( SELECT auth.*$/, "…")).sort()).toEqual([
      "every role with a grant gained every row of table public.countries that its grants reach: row security is off",
      "every role with a grant gained what view public.bills shows with the rights of its owner",
      "tminus_anon gained SELECT on table public.members (user_id)",
      "tminus_anon lost DELETE on table public.invoices",
      "tminus_member gained select by policy public.members.own where true",
      "tminus_member lost delete by restrictive policy public.invoices.narrow where (total = 0)",
      "tminus_member lost select by policy public.members.own where (user_id = …",
    ]);
  });
});
