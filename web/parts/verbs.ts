import type { DecisionWord } from "../../src/model/decision.ts";
import type { Action, AllowedAction } from "../../src/server/contract/run.ts";

interface Verb {
  word: string;
  /** When the server does not say it better. */
  consequence: string;
  /** It undoes or ends something: the environment's name is typed first. */
  destroys: boolean;
}

export const verbs: Readonly<Record<Action, Verb>> = {
  approve: { word: "Approve", consequence: "Counts as your approval of exactly this plan.", destroys: false },
  reject: {
    word: "Reject",
    consequence: "The run does not go on, and undoes what it has done.",
    destroys: false,
  },
  attest: { word: "Attest", consequence: "Writes down that you answer for this item.", destroys: false },
  resolve: { word: "Decide", consequence: "Answers the question that the run waits with.", destroys: false },
  hold: { word: "Hold", consequence: "No further step begins until somebody resumes.", destroys: false },
  resume: { word: "Resume", consequence: "The run goes on where it was held.", destroys: false },
  abort: { word: "Abort", consequence: "Stops the run and undoes what it has done.", destroys: true },
  rollback: { word: "Roll back", consequence: "Undoes what the run has done, in reverse.", destroys: true },
  deploy: { word: "Deploy", consequence: "Starts a run of this plan.", destroys: false },
  unlock: { word: "Unlock", consequence: "Lets deploys into the environment again.", destroys: true },
  freeze: { word: "Freeze", consequence: "Keeps deploys out until it ends.", destroys: false },
  thaw: { word: "Thaw", consequence: "Ends a freeze before its time.", destroys: false },
};

export const decisions: Readonly<Record<DecisionWord, Verb>> = {
  done: { word: "It is done", consequence: "Takes the step as done and goes on.", destroys: false },
  retry: { word: "Try again", consequence: "Carries the step out once more.", destroys: false },
  promote: {
    word: "Keep it now",
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
export function sentenceOf({ action, isAllowed, reason, consequence }: AllowedAction): string {
  if (!isAllowed) return reason ?? "not now";
  return consequence ?? verbs[action].consequence;
}
