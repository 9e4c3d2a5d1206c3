import { freezeName } from "../../../src/model/freeze.ts";
import type { Plan } from "../../../src/model/plan.ts";
import type { GuardedServer } from "./guarded-server.ts";

/** What requests may name. Everything is made anew each time, so that no request takes away what the next one names. */
export interface ExistingThings {
  /** Throws for a path of which nobody has said what is there. */
  inPath(template: string, parameter: string): Promise<string>;
  /** By the name of a property, or of a shape of the document; undefined where any value will do. */
  inBody(name: string): Promise<unknown>;
}

export function existingThings({
  project,
  tminus,
  ann,
}: Pick<GuardedServer, "project" | "tminus" | "ann">): ExistingThings {
  let count = 0;
  let plan: Promise<Plan> | undefined;
  const planned = async (): Promise<Plan> =>
    (plan ??= tminus.plan({
      environment: "production",
      release: "v1",
      purpose: "deploy",
      signal: new AbortController().signal,
      progress: () => undefined,
    }));
  let run: Promise<string> | undefined;
  const paths: Record<string, (parameter: string) => Promise<string>> = {
    "/api/environments/{name}": async () => "production",
    // There is no worker: it stays as it is.
    "/api/runs/{id}": async () => (run ??= tminus.start(await planned(), ann).then(({ id }) => id)),
    "/api/freezes/{name}": async () =>
      freezeName(await tminus.freeze({ environment: "production", reason: "a holiday", until: "1h" }, ann)),
    "/api/tasks/{name}": async () => {
      const [task] = await project.query<{ id: number }>(
        `select id from tminus.open_follow_up('crash', 'production', null, 'look', 'ann', clock_timestamp(), 'test-${++count}')`,
        project.stateUrl,
      );
      return `t${task!.id}`;
    },
    "/api/users/{name}": async () => {
      const name = `somebody-${++count}`;
      await tminus.people.addUser({ name, emails: [], roles: ["viewer"] }, {}, ann);
      return name;
    },
    "/api/tokens/{id}": async () => {
      const token = {
        name: `t${++count}`,
        owner: "ann",
        kind: "human",
        roles: [],
        validMs: 3_600_000,
      } as const;
      return (await tminus.people.createToken({ ...token, roles: [] }, ann)).token.id;
    },
    "/api/overrides/{environment}/{gate}": async (parameter) =>
      parameter === "gate" ? "tests" : "production",
    "/api/emergencies/{environment}": async () => "production",
    "/api/evidence/{sha256}": async () => "0".repeat(64),
    "/api/evidence": async () => "report.txt",
  };
  const bodies: Record<string, () => Promise<unknown>> = {
    Plan: planned,
    planHash: async () => (await planned()).hash,
    stepId: async () => "sure",
    environment: async () => "production",
    release: async () => "v1",
    gate: async () => "tests",
    roles: async () => ["operator"],
  };
  return {
    async inPath(template, parameter) {
      const known = Object.keys(paths).find((path) => template === path || template.startsWith(`${path}/`));
      // What has no parameter in its path has them behind the question mark.
      if (known !== undefined && (known.includes(`{${parameter}}`) || !known.includes("{")))
        return paths[known]!(parameter);
      throw new Error(
        `${template} is new: say in test/server/support/existing-things.ts how what {${parameter}} names is made`,
      );
    },
    inBody: async (name) => bodies[name]?.(),
  };
}
