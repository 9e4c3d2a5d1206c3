import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { watch } from "../../../src/steps/watch.ts";
import type { SeriesAnswer } from "../../../src/model/signal-source.ts";
import { createFakeTarget } from "../../../src/testing/fake-target.ts";
import { resolve, sceneOf, steady, type Script } from "./scene.ts";

let server: Server;
let url: string;
let status = 200;

beforeAll(async () => {
  server = createServer((_, response) => response.writeHead(status).end());
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => new Promise((closed) => server.close(closed)));

const HOLD = "errors: when error_rate > 1% -> hold";

describe("a watch that asks a person", () => {
  it("holds on a rule that only asks, and goes on when a person accepts it, which is no pass", async () => {
    const scene = sceneOf(steady(10, 0.05), {
      settings: { rules: [HOLD] },
      at: [[200, ({ world }) => resolve(world, "done", "known")]],
    });
    const result = await scene.run();
    expect(scene.world.waits[0]).toMatchObject({
      for: "decision",
      text: expect.stringMatching(
        /^errors: error_rate > 1%: [45](?:\.\d+)? % .*Decide about step: tminus resume run --as done/,
      ) as unknown,
    });
    expect(result).toMatchObject({
      outcome: "done",
      result: { verdict: "accepted", acceptedRules: { errors: { by: "kim", note: "known" } } },
    });
    expect(scene.seconds()).toBe(600);
  });

  it("rolls back for one rule while it waits for a person about another", async () => {
    const script: Script = { traffic: (second) => ({ perSecond: 10, bad: second < 300 ? 0.03 : 0.5 }) };
    const rules = ["soft: when error_rate > 1% -> hold", "hard: when error_rate > 20% -> rollback"];
    const scene = sceneOf(script, { settings: { rules } });
    const result = await scene.run();
    expect(scene.world.waits).toHaveLength(1);
    expect(result).toMatchObject({ outcome: "failed", result: { failedRule: { name: "hard" } } });
    expect(scene.seconds()).toBeGreaterThan(300);
  });

  it("fails by a person's word, which the result names", async () => {
    const scene = sceneOf(steady(10, 0.05), {
      settings: { rules: [HOLD] },
      at: [[200, ({ world }) => resolve(world, "failed", "no")]],
    });
    const result = await scene.run();
    expect(result).toMatchObject({ outcome: "failed", result: { decidedBy: "kim" } });
    expect(result.reason).toMatch(/judged as failed by kim: no$/);
  });

  it("watches the whole window again when it is told to, and longer when it is told so", async () => {
    const quiet: Script = { traffic: (second) => ({ perSecond: second < 600 ? 0.02 : 10, bad: 0 }) };
    const again = sceneOf(quiet, { at: [[700, ({ world }) => resolve(world, "retry")]] });
    expect(await again.run()).toMatchObject({ outcome: "done", result: { verdict: "pass" } });
    expect(again.seconds()).toBeGreaterThanOrEqual(1300);

    const longer = sceneOf(quiet, { at: [[700, ({ world }) => resolve(world, "extend")]] });
    expect(await longer.run()).toMatchObject({ outcome: "done", result: { verdict: "pass" } });
    expect(longer.seconds()).toBe(1200);
  });

  it("does not take an answer to an earlier question for one to a later", async () => {
    const script: Script = { traffic: (second) => ({ perSecond: 10, bad: second < 300 ? 0.05 : 0.5 }) };
    const rules = [HOLD, "worse: when error_rate > 20% -> hold"];
    const scene = sceneOf(script, {
      settings: { rules },
      at: [
        [
          200,
          ({ world }) => {
            resolve(world, "done", "one");
            resolve(world, "done", "sent twice");
          },
        ],
        [700, ({ world }) => resolve(world, "failed", "two")],
      ],
    });
    expect((await scene.run()).reason).toMatch(/^worse: .*failed by kim: two$/);
    expect(scene.world.waits).toHaveLength(2);
  });

  it("needs two people to go on where the policy says so", async () => {
    const blind: Script = { ...steady(10, 0), fault: (second) => (second > 100 ? refused : undefined) };
    const rules = ["errors: when error_rate > 1% -> rollback on-blind continue-with-two-approvals"];
    const scene = sceneOf(blind, {
      settings: { rules },
      world: { environment: { url } },
      at: [
        [900, ({ world }) => resolve(world, "done", "I looked", "ann")],
        [950, ({ world }) => resolve(world, "done", "again", "ann")],
        [1000, ({ world }) => resolve(world, "done", "me too", "bob")],
      ],
    });
    const result = await scene.run();
    expect(result).toMatchObject({
      outcome: "done",
      result: { verdict: "accepted", acceptedRules: { errors: { by: "ann and bob" } } },
    });
    expect(scene.seconds()).toBeGreaterThanOrEqual(1000);
    expect(scene.world.waits.at(-1)?.text).toContain("by one more person than ann");
  });

  it("rolls back on what it sees after a person let it go on blind", async () => {
    const script: Script = {
      traffic: (second) => ({ perSecond: 10, bad: second < 1500 ? 0 : 0.5 }),
      fault: (second) => (second > 100 && second < 1500 ? refused : undefined),
    };
    const scene = sceneOf(script, {
      settings: { duration: "1h" },
      world: { environment: { url } },
      at: [[1000, ({ world }) => resolve(world, "done", "the dashboard is green")]],
    });
    const result = await scene.run();
    expect(scene.world.waits.at(-1)?.text).toContain("accept; what is seen of it later still counts");
    expect(result).toMatchObject({ outcome: "failed", result: { failedRule: { name: "errors" } } });
    expect(scene.seconds()).toBeGreaterThan(1500);
  });

  it("does not take the silence of the release beside it for requests that have stopped", async () => {
    const scene = sceneOf(
      {
        traffic: () => ({ perSecond: 20, bad: 0 }),
        fault: (second, release) =>
          release === "v1" && second > 200 ? { state: "no-data", reason: "its pods are gone" } : undefined,
      },
      {
        settings: { rules: ["errors: when error_rate > control + 2pp -> rollback on-nodata rollback"] },
        world: {
          environment: { url },
          target: createFakeTarget({
            routes: [
              { release: "v2", percent: 50 },
              { release: "v1", percent: 50 },
            ],
          }),
        },
        at: [[1500, ({ world }) => resolve(world, "failed")]],
      },
    );
    expect(await scene.run()).toMatchObject({ outcome: "failed", result: { decidedBy: "kim" } });
    expect(scene.world.waits[0]?.text).toMatch(
      /^errors cannot be seen: .*of the release that it is compared with: its pods are gone/,
    );
  });

  it("asks at once when the traffic of a comparison is not shared out, and still acts when that was chance", async () => {
    const routes = [
      { release: "v2", percent: 50 },
      { release: "v1", percent: 50 },
    ];
    let askedAt = 0;
    const script: Script = {
      traffic: (second, release) => {
        const isOwn = release === "v2";
        const visitors = second < 60 && !isOwn ? 0.2 : 1;
        return { perSecond: 20, bad: isOwn && second > 300 ? 0.3 : 0, visitors };
      },
    };
    const scene = sceneOf(script, {
      settings: { rules: ["errors: when error_rate > control + 2pp -> rollback"] },
      world: { target: createFakeTarget({ routes }) },
      at: [
        [
          90,
          ({ world, seconds }) => {
            askedAt = world.waits.length === 1 ? seconds() : NaN;
            resolve(world, "done", "a crawler");
          },
        ],
      ],
    });
    const result = await scene.run();
    expect(askedAt).toBeLessThan(120);
    expect(scene.world.waits[0]?.text).toMatch(
      /^errors cannot act: traffic is not shared out as intended: .*what is seen of it later still counts/,
    );
    expect(result).toMatchObject({ outcome: "failed", result: { failedRule: { name: "errors" } } });
  });

  it("withdraws a question about blindness when it can see again, and takes in what it missed", async () => {
    const script: Script = {
      ...steady(10, 0),
      fault: (second) => (second > 100 && second < 1500 ? refused : undefined),
    };
    const scene = sceneOf(script, { world: { environment: { url } } });
    const result = await scene.run();
    expect(scene.world.waits).toHaveLength(1);
    expect(scene.world.waits[0]?.text).toContain("errors cannot be seen: refused");
    expect(result).toMatchObject({ outcome: "done", result: { verdict: "pass" } });
  });

  it("sees again behind a time of which its source has nothing, and takes what is lost for no proof", async () => {
    const script: Script = {
      ...steady(10, 0),
      lost: { from: 100, until: 900 },
      fault: (second) => (second > 100 && second < 900 ? refused : undefined),
    };
    const scene = sceneOf(script, {
      world: { environment: { url } },
      at: [[1500, ({ world }) => resolve(world, "retry")]],
    });
    const result = await scene.run();
    expect(scene.world.waits.at(-1)?.text).toMatch(/^not proven good: errors: seen for .* of /);
    expect(result).toMatchObject({ outcome: "done", result: { verdict: "pass" } });
  });

  it("rolls back while it is blind when the public address fails three times, and never for blindness alone", async () => {
    const blind: Script = { ...steady(10, 0), fault: (second) => (second > 100 ? refused : undefined) };
    const scene = sceneOf(blind, {
      world: { environment: { url } },
      at: [[400, () => (status = 503)]],
    });
    const result = await scene.run();
    status = 200;
    expect(result).toMatchObject({ outcome: "failed" });
    expect(result.reason).toBe("the public address, asked while the signals are blind, failed: answered 503");
    expect(scene.seconds()).toBeGreaterThan(400);
    expect(scene.world.pages.map(({ text }) => text)).toEqual([
      expect.stringMatching(/^cannot see errors: errors: refused\. Look: tminus watch run$/),
    ]);
  });

  it("ends promptly with the reason when it is aborted, also while it waits", async () => {
    for (const second of [30, 900]) {
      let abort = (): void => undefined;
      const scene = sceneOf(steady(0.01, 0), { at: [[second, () => abort()]] });
      const life = scene.world.open(scene.settings, null);
      abort = () => life.abort(new Error("stop now"));
      await expect(watch.act(life.context)).rejects.toThrow("stop now");
    }
  });
});

const refused: SeriesAnswer = { state: "error", reason: "refused", isLasting: false };
