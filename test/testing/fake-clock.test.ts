import { expect, it } from "vitest";
import { createFakeClock } from "../../src/testing/fake-clock.ts";

it("wakes sleepers in the order of their time, and only those whose time has come", async () => {
  const clock = createFakeClock();
  const woken: string[] = [];
  const sleep = async (ms: number, name: string): Promise<void> => {
    await clock.sleep(ms);
    woken.push(name);
  };
  const both = Promise.all([sleep(20, "late"), sleep(10, "early")]);
  void sleep(1000, "never");
  clock.advance(9);
  clock.advance(50);
  await both;
  expect(woken).toEqual(["early", "late"]);
  expect(clock.sleepers()).toBe(1);
  expect(clock.now().getTime() - new Date("2026-01-05T10:00:00Z").getTime()).toBe(59);
});

it("wakes a sleeper with the reason when its signal aborts", async () => {
  const clock = createFakeClock();
  const stopping = new AbortController();
  const sleeping = clock.sleep(10, stopping.signal);
  stopping.abort(new Error("stop"));
  await expect(sleeping).rejects.toThrow("stop");
  await expect(clock.sleep(10, stopping.signal)).rejects.toThrow("stop");
  expect(clock.sleepers()).toBe(0);
});
