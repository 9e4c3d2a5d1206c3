import type { DecisionWord } from "../../src/model/decision.ts";
import type { AllowedAction, RunAction } from "../../src/server/contract/allowed-action.ts";

interface Verb {
  word: string;
  /** It undoes or ends something: the environment's name is typed first. */
  destroys: boolean;
}

export const verbs: Readonly<Record<RunAction, Verb>> = {
  approve: { word: "Approve", destroys: false },
  reject: { word: "Reject", destroys: false },
  attest: { word: "Attest", destroys: false },
  resolve: { word: "Decide", destroys: false },
  hold: { word: "Hold", destroys: false },
  resume: { word: "Resume", destroys: false },
  abort: { word: "Abort", destroys: true },
  rollback: { word: "Roll back", destroys: true },
};

export const decisions: Readonly<Record<DecisionWord, Verb & { consequence: string }>> = {
  done: { word: "It is done", consequence: "Takes the step as done and goes on.", destroys: false },
  retry: { word: "Try again", consequence: "Carries the step out once more.", destroys: false },
  promote: {
    word: "Promote",
    consequence: "Ends the watch before its time and keeps the release.",
    destroys: false,
  },
  extend: { word: "Look longer", consequence: "Looks longer before it is decided.", destroys: false },
  failed: {
    word: "It failed",
    consequence: "Takes the step as failed; the run then goes back.",
    destroys: true,
  },
};

/** What a button would do, or why it is not to be had. */
export function sentenceOf({ isAllowed, reason, consequence }: AllowedAction): string {
  return isAllowed ? consequence : (reason ?? "not now");
}
