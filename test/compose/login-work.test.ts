import * as argon2 from "@node-rs/argon2";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { identify, openPeople } from "../../src/compose/people.ts";
import { Secret } from "../../src/lib/redact.ts";
import { uncheckedActor } from "../../src/model/actor.ts";
import { freshState, type TestState } from "../support/state.ts";

// The real one, counted.
vi.mock("@node-rs/argon2", async (original) => {
  const real = await original<typeof argon2>();
  return { ...real, verify: vi.fn(real.verify) };
});

const PASSWORD = "correct horse battery";
let state: TestState;
beforeEach(async () => {
  state = await freshState();
});
afterEach(() => state.drop());

const secret = (text: string): Secret => new Secret(text, "test");

it("is the same for every name, so that how long an answer takes does not tell which names there are", async () => {
  const pool = async () => state.pool;
  const people = openPeople(pool);
  const ann = { name: "ann", emails: [], roles: ["admin" as const] };
  await people.addUser(ann, { password: secret(PASSWORD) }, uncheckedActor("ann"));
  const login = (name: string, password: string) =>
    identify({ by: "password", name, password: secret(password) }, pool, secret);
  const actor = await login("ann", PASSWORD);
  await people.addUser({ name: "silent", emails: [], roles: [] }, {}, actor);
  await people.addUser({ name: "gone", emails: [], roles: [] }, { password: secret(PASSWORD) }, actor);
  await people.changeUser("gone", { disabled: true }, actor);
  for (const [name, password] of [
    ["ann", "wrong horse battery"],
    ["nobody", PASSWORD],
    ["silent", PASSWORD],
    ["gone", PASSWORD],
    ["nobody", "x".repeat(100_000)],
  ] as const) {
    vi.mocked(argon2.verify).mockClear();
    await expect(login(name, password)).rejects.toMatchObject({
      code: "IDENTITY_REFUSED",
      message: "the name or the password is wrong",
    });
    const worked = vi.mocked(argon2.verify).mock.calls.map(([hash, given]) => ({
      cost: String(hash).split("$").slice(1, 4),
      length: given.length,
    }));
    const length = Math.min(password.length, 1001);
    expect([name, worked]).toEqual([name, [{ cost: ["argon2id", "v=19", "m=19456,t=2,p=1"], length }]]);
  }
});
