import { systemClock } from "../../../src/lib/clock.ts";
import type { Api } from "../../../src/server/api.ts";
import { createApp } from "../../../src/server/app.ts";
import type { Oidc } from "../../../src/server/oidc.ts";
import { usualLimits } from "../../../src/server/server-ports.ts";
import { newSetUpCode } from "../../../src/server/set-up-code.ts";
import { fakeTminus } from "../../cli/support/fake-tminus.ts";
import { samplePlan } from "../../support/state.ts";

/** The server's routes with nothing behind them: to be looked at, and not to be asked. */
export function bareApp(oidc: Oidc | undefined): Api {
  return createApp({
    tminus: fakeTminus(samplePlan()),
    clock: systemClock,
    setUp: newSetUpCode(),
    oidc,
    url: () => "",
    hosts: [],
    addressOf: () => "test",
    limits: usualLimits,
    kill: undefined,
    closing: new AbortController().signal,
    version: "0.0.0",
    log: () => undefined,
  });
}
