import type { SignalKind } from "../model/signal-kind.ts";
import { postgresSignals } from "../postgres/diagnose/signals.ts";
import { commandSignals } from "../providers/signals/command.ts";
import { datadogSignals } from "../providers/signals/datadog/index.ts";
import { hostSignals } from "../providers/signals/host/index.ts";
import { httpSignals } from "../providers/signals/http.ts";
import { openmetricsSignals } from "../providers/signals/openmetrics/index.ts";
import { prometheusSignals } from "../providers/signals/prometheus/index.ts";
import { sentrySessionSignals, sentrySignals } from "../providers/signals/sentry/index.ts";

/** Every kind of signal source that a runbook may name, beside those that a target brings along. */
export const signalKinds: Readonly<Record<string, SignalKind>> = {
  command: commandSignals,
  datadog: datadogSignals,
  host: hostSignals,
  http: httpSignals,
  openmetrics: openmetricsSignals,
  postgres: postgresSignals,
  prometheus: prometheusSignals,
  sentry: sentrySignals,
  "sentry.sessions": sentrySessionSignals,
};
