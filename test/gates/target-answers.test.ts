import { afterEach, beforeEach, expect, it } from "vitest";
import { targetAnswers } from "../../src/gates/target-answers.ts";
import type { DeployTarget } from "../../src/model/ports.ts";
import { createFakeTarget } from "../../src/testing/fake-target.ts";
import { CommandRig } from "../providers/command/rig.ts";
import { gateContext } from "../support/gate-context.ts";

let rig: CommandRig;
beforeEach(() => {
  rig = new CommandRig();
});
afterEach(() => rig.close());

const check = (target: DeployTarget) =>
  targetAnswers.check(gateContext(targetAnswers, {}, { world: { target } }));

it("passes when the target could deploy the release, and changes nothing", async () => {
  rig.write("live", "v1");
  expect(await check(rig.open())).toMatchObject({
    verdict: "pass",
    reason: "the command target: the commands are there, live is v1",
  });
  expect(rig.has("calls")).toBe(false);
});

it("fails when the target says that it could not", async () => {
  expect(await check(rig.open({ deploy: ["./none.sh", "{release}"] }))).toMatchObject({
    verdict: "fail",
    reason: expect.stringContaining("none.sh") as unknown,
  });
});

it("is undecided when the target cannot say what is live, or cannot be asked", async () => {
  rig.write("status", "exit 7");
  expect(await check(rig.open())).toMatchObject({ verdict: "unknown" });
  const target = createFakeTarget();
  target.failNext("precheck", "before", "TARGET_UNREACHABLE");
  expect(await check(target)).toMatchObject({ verdict: "unknown" });
});
