import { describe, expect, it } from "vitest";
import { systemClock } from "../../../src/lib/clock.ts";
import { appDeploy } from "../../../src/steps/app-deploy.ts";
import { appShift } from "../../../src/steps/app-shift.ts";
import { createFakeStepWorld } from "../../../src/testing/fake-step-context.ts";
import { driveInterrupted, driveStep, type StepCase } from "../../../src/testing/step-harness.ts";
import { CommandRig, SECRET } from "./rig.ts";

/** app.deploy of v2 over v1, with real commands. */
const stepCase: StepCase = {
  kind: appDeploy,
  with: {},
  open: () => {
    const rig = new CommandRig();
    rig.write("live", "v1\n");
    const world = createFakeStepWorld({
      target: rig.open(),
      clock: systemClock,
      variables: { TOKEN: SECRET },
    });
    return { world, effects: () => (rig.live() === "v2" ? 1 : 0), close: () => rig.close() };
  },
};

describe("app.deploy on a command target", () => {
  it("keeps the contract of a step kind: deployed, undone by the rollback command, deployed again", async () => {
    await driveStep(stepCase);
  });

  it("brings the release about exactly once wherever it is interrupted", { timeout: 120_000 }, async () => {
    const report = await driveInterrupted(stepCase);
    expect(report.act).toBeGreaterThanOrEqual(8);
    expect(report.undo).toBeGreaterThanOrEqual(4);
    expect(report.parked).toBe(0);
  });
});

describe("app.shift on a command target", () => {
  it.each([
    [50, 1],
    [100, 0],
  ])("to %d percent is blocked %d times in the plan", async (percent, blocks) => {
    const rig = new CommandRig();
    try {
      rig.write("live", "v1\n");
      const world = createFakeStepWorld({ target: rig.open() });
      const facts = await appShift.gather!(world.planContext({ percent }));
      const { blocked } = appShift.plan(world.planInput({ percent }, facts));
      expect(blocked).toHaveLength(blocks);
      if (blocks > 0) expect(blocked[0]!.reason).toBe("this target cannot split traffic");
    } finally {
      await rig.close();
    }
  });
});
