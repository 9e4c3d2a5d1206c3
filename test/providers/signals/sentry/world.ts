import { createFakeClock } from "../../../../src/testing/index.ts";
import type { SignalKind } from "../../../../src/model/signal-kind.ts";
import type { SignalSource } from "../../../../src/model/signal-source.ts";
import {
  ORGANIZATION,
  openSentryEmulator,
  TOKEN,
  type SentryEmulator,
} from "../../../support/sentry-emulator.ts";
import { signalPorts } from "../../../support/signal-ports.ts";

/** 2026-01-05 10:00 UTC, where buckets of every usual length begin. */
export const T0 = Date.UTC(2026, 0, 5, 10);
export const HOUR_MS = 3_600_000;
/** Of the sources' clock. */
export const NOW = T0 + 12 * HOUR_MS;
/** As Sentry calls v2. */
export const RELEASE = "shop@v2";

export interface SentryWorld extends AsyncDisposable {
  emulator: SentryEmulator;
  open(kind: SignalKind, settings?: object): SignalSource;
}

/** Of v2: an error every 20 s for 10 min, a new issue every 5 min, and sessions for 5 hours of which every tenth crashes. */
export async function openWorld(): Promise<SentryWorld> {
  const emulator = await openSentryEmulator();
  emulator.addRelease(RELEASE);
  emulator.addErrors(
    Array.from({ length: 30 }, (_, index) => ({ release: RELEASE, atMs: T0 + 7_000 + index * 20_000 })),
  );
  emulator.addIssues([
    { firstRelease: RELEASE, firstSeenMs: T0 + 65_000 },
    { firstRelease: RELEASE, firstSeenMs: T0 + 365_000 },
    { firstRelease: "shop@v1", firstSeenMs: T0 + 66_000 },
  ]);
  for (let hour = 0; hour < 5; hour++)
    emulator.addSessions([
      { release: RELEASE, atMs: T0 + hour * HOUR_MS + 1000, status: "healthy", count: 85 },
      { release: RELEASE, atMs: T0 + hour * HOUR_MS + 2000, status: "errored", count: 5 },
      { release: RELEASE, atMs: T0 + hour * HOUR_MS + 3000, status: "crashed", count: 10 },
    ]);
  const clock = createFakeClock({ start: new Date(NOW) });
  return {
    emulator,
    open: (kind, settings = {}) =>
      kind.open(
        "sentry",
        {
          url: emulator.url,
          organization: ORGANIZATION,
          token: "env:SENTRY_TOKEN",
          release: "shop@{release}",
          ...settings,
        },
        signalPorts({ secrets: { "env:SENTRY_TOKEN": TOKEN }, clock }),
      ),
    [Symbol.asyncDispose]: () => emulator.close(),
  };
}
