import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ShopWorld, type ShopWorldOptions } from "./shop-world.ts";

/** One thing that is wrong, and what its gate says of it. */
export interface Variant {
  breaks(world: ShopWorld): Promise<void> | void;
  reason: RegExp;
  /** What a command printed. */
  output?: RegExp;
  /** When the gate cannot say that it is wrong, but not that it is right either. */
  verdict?: "unknown";
  /** Other gates that this keeps from passing, too. */
  also?: readonly string[];
  /** Repairs what ShopWorld.restore does not: whatever is not in the repository. */
  repairs?(world: ShopWorld): Promise<void> | void;
}

/** Many processes on a machine that others use too. */
const ROOM = { timeout: 120_000 };

/**
 * Tests a checklist in a world of its own: all gates pass, and each one fails when its own thing is wrong. Then all gates
 * are looked at but the commands of others, which take long and read no file that the variant changes.
 */
export function describeChecklist(
  options: ShopWorldOptions,
  variants: Readonly<Record<string, Variant>>,
): void {
  let world: ShopWorld;
  beforeAll(async () => {
    world = await ShopWorld.open(options);
  }, ROOM.timeout);
  afterAll(() => world.close(), ROOM.timeout);

  describe(`the checklist ${options.checklist}`, ROOM, () => {
    it("passes where everything is in order, and has a variant for every gate", async () => {
      const { gates, blocked } = await world.plan();
      expect(gates.filter(({ verdict }) => verdict !== "pass")).toEqual([]);
      expect(blocked).toEqual([]);
      expect(Object.keys(variants).toSorted()).toEqual(gates.map(({ id }) => id).toSorted());
    });

    it.for(Object.entries(variants))("is stopped by its gate %s", async ([id, variant]) => {
      try {
        await variant.breaks(world);
        const gates = await world.look((one) => one.id === id || one.kind !== "command");
        const stopped = gates.filter(({ verdict }) => verdict !== "pass");
        expect(stopped.map((one) => one.id).toSorted(), JSON.stringify(stopped)).toEqual(
          [id, ...(variant.also ?? [])].toSorted(),
        );
        const gate = gates.find((one) => one.id === id);
        expect(gate).toMatchObject({
          verdict: variant.verdict ?? "fail",
          reason: expect.stringMatching(variant.reason) as unknown,
        });
        if (variant.output !== undefined) expect(JSON.stringify(gate?.evidence)).toMatch(variant.output);
      } finally {
        await variant.repairs?.(world);
        await world.restore();
      }
    });
  });
}
