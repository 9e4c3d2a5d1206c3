/** `tminus/testing`: what is needed to try a step kind out without a run. No test framework is involved. */
export { driveInterrupted, driveStep } from "./step-harness.ts";
export type { InterruptedReport, StepCase, StepCaseWorld } from "./step-harness.ts";
export { createFakeStepWorld } from "./fake-step-context.ts";
export type { FakeStepWorld, FakeStepWorldOptions } from "./fake-step-context.ts";
export { createFakeClock } from "./fake-clock.ts";
export type { FakeClock, FakeClockOptions } from "./fake-clock.ts";
export { createFakeTarget } from "./fake-target.ts";
export { SOURCE_FAULTS, signalSourceScenarios } from "./conformance/signal-source.ts";
export type {
  Scenario,
  SignalSourceCase,
  SignalSourceWorld,
  SourceFault,
} from "./conformance/signal-source.ts";
export { SCM_FAULTS, scmScenarios } from "./conformance/scm.ts";
export type { ScmCase, ScmFault, ScmWorld } from "./conformance/scm.ts";
