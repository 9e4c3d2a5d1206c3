import assert from "node:assert/strict";
import { systemClock } from "../../lib/clock.ts";

/** What comes of the work, or an AssertionError when that takes longer. */
export async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const over = new AbortController();
  const late = systemClock.sleep(ms, over.signal).then(() => assert.fail(`no answer within ${ms} ms`));
  late.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    over.abort(new Error("answered"));
  }
}
