import { expect, it } from "vitest";
import { branchPatternSchema, branchSchema, remoteSchema } from "../../../src/gates/git/names.ts";

it.each(["main", "feature/login", "release/2.4", "a-b_c", "späti"])("takes %j as a branch", (name) => {
  expect(branchSchema.safeParse(name).success).toBe(true);
});

it.each(["-x", "a..b", "a b", "a~1", "a^", "a:b", "x*", "x.lock", "/a", "a/", "a//b", "a/.b", "a@{1}", ""])(
  "refuses %j as a branch",
  (name) => {
    expect(branchSchema.safeParse(name).success).toBe(false);
  },
);

it("takes stars in a pattern of branches alone", () => {
  expect(branchPatternSchema.safeParse("feature/*").success).toBe(true);
  expect(branchPatternSchema.safeParse("-*").success).toBe(false);
  expect(branchPatternSchema.safeParse("feature/[ab]").success).toBe(false);
});

it("takes no address and no option for the name of a remote", () => {
  expect(remoteSchema.safeParse("origin").success).toBe(true);
  for (const name of ["https://user:secret@host/x.git", "--upload-pack=x", "git@host:x", "../x"])
    expect(remoteSchema.safeParse(name).success, name).toBe(false);
});
