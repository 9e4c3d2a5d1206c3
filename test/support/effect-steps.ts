import { resolve } from "node:path";

const PROGRAM = resolve(import.meta.dirname, "../fixtures/commands/effect.mjs");

function argv(verb: string, effect: string): string {
  return JSON.stringify(["node", PROGRAM, verb, effect]);
}

/** A step whose effect is a line in the project's effects, with a check and an undo. In `effect`, @run is the run's id. */
export function effectStep(id: string, effect = id): string {
  return `      - { id: ${id}, kind: command, with: { run: ${argv("did", effect)}, undo: ${argv("undid", effect)}, check: ${argv("check", effect)} } }\n`;
}

/** A step that begins and goes on only when `ReleaseProject.letGo(id)` is called. Nobody can look up whether it took effect. */
export function blockingStep(id: string): string {
  return `      - { id: ${id}, kind: command, with: { run: ${argv("until", id)} } }\n`;
}

/** A step that waits until a person attests the item with the step's own id. */
export function questionStep(id: string): string {
  return `      - { id: ${id}, kind: checklist, with: { items: [{ id: ${id}, text: it is so }] } }\n`;
}

/** The steps that bring a release up behind the local target and give it all traffic. */
export const RELEASE_STEPS = `      - { id: deploy, kind: app.deploy }
      - { id: all, kind: app.shift, with: { percent: 100 } }
`;

export function stage(id: string, steps: string): string {
  return `  - id: ${id}\n    steps:\n${steps}`;
}
