import { describe, expect, it, vi } from "vitest";
import { deadline, systemClock, whenAborted } from "../../src/lib/clock.ts";

const DAYS = 86_400_000;
const soon = (): Promise<string> => systemClock.sleep(50).then(() => "not yet");

describe("the system's clock", () => {
  it.each([20, 25, 30, 60, 400])("does not wake at once from a sleep of %d days", async (days) => {
    const waking = new AbortController();
    const sleeping = systemClock.sleep(days * DAYS, waking.signal).then(() => "awake");
    expect(await Promise.race([sleeping, soon()])).toBe("not yet");
    waking.abort(new Error("enough"));
    await expect(sleeping).rejects.toThrow("enough");
  });

  it("does not sleep when it was woken before", async () => {
    await expect(systemClock.sleep(1, AbortSignal.abort(new Error("before")))).rejects.toThrow("before");
  });
});

describe("a deadline", () => {
  it.each([25, 30, 60, 400])("of %d days is not over at once", async (days) => {
    const signal = deadline(days * DAYS);
    await soon();
    expect(signal.aborted).toBe(false);
  });

  it.each([25, 60])("of %d days is over after exactly those", async (days) => {
    vi.useFakeTimers();
    try {
      const signal = deadline(days * DAYS);
      vi.advanceTimersByTime(days * DAYS - 1);
      expect(signal.aborted).toBe(false);
      vi.advanceTimersByTime(1);
      expect([signal.aborted, (signal.reason as Error).name]).toEqual([true, "TimeoutError"]);
    } finally {
      vi.useRealTimers();
    }
  });

  it("is over with its parent, for the parent's reason", () => {
    const parent = new AbortController();
    const signal = deadline(DAYS, parent.signal);
    parent.abort(new Error("parent"));
    expect(signal.reason).toEqual(new Error("parent"));
  });
});

describe("whenAborted", () => {
  it("resolves also for a signal that was aborted before, by itself or by one that it is made of", async () => {
    await whenAborted(AbortSignal.abort());
    await whenAborted(deadline(DAYS, AbortSignal.abort()));
    const later = new AbortController();
    const waiting = whenAborted(later.signal);
    later.abort();
    await waiting;
  });
});
