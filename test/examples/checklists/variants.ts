import { githubToken } from "../../support/made-up-secrets.ts";
import type { Variant } from "./describe-checklist.ts";

const MORE = "releases/v2/migrations/20260301120000_more.sql";

/** The types do not fit in a file that nothing else looks at. */
export const wrongTypes: Variant = {
  breaks: (world) =>
    world.commit({ "scripts/broken.mjs": '/** @type {number} */\nexport const count = "one";\n' }),
  reason: /^exit code [12]: scripts\/broken\.mjs.*TS2322/,
};

export const wrongCode: Variant = {
  breaks: (world) => world.commit({ "scripts/broken.mjs": "debugger;\n" }),
  reason: /^exit code 1: /,
  output: /scripts\/broken\.mjs:1:1/,
};

export const wrongFormat: Variant = {
  breaks: (world) => world.commit({ "scripts/broken.mjs": "export  const one=1\n" }),
  reason: /^exit code 1: /,
  output: /scripts\/broken\.mjs/,
};

/** A test that fails among those of this folder of tests/. */
export function failingTest(folder: "unit" | "integration" | "e2e"): Variant {
  return {
    breaks: (world) => world.commit({ [`tests/${folder}/broken.mjs`]: 'throw new Error("wrong");\n' }),
    reason: /^exit code 1: /,
    output: new RegExp(`tests/${folder}/broken\\.mjs`),
  };
}

/** The release asks for a file that is not there, and so is another one than that on staging. */
export function unbuildable(onStaging: string): Variant {
  return {
    breaks: (world) => world.commit({ "releases/v2/server.mjs": 'import "../../app/gone.mjs";\n' }),
    reason: /^exit code 1: /,
    output: /gone\.mjs/,
    also: [onStaging],
  };
}

export function changedSinceStaging(): Variant {
  return {
    breaks: (world) => world.commit({ "app/log.mjs": `${world.read("app/log.mjs")}// changed\n` }),
    reason: /^run \w+ of v2 on staging had other release files of v2$/,
  };
}

/** A further migration, committed, that tminus refuses with these words; staging has not had it. */
export function refusedMigration(sql: string, output: RegExp, onStaging: string): Variant {
  return {
    breaks: (world) => world.commit({ [MORE]: sql }),
    reason: /^exit code 3: /,
    output,
    also: [onStaging],
  };
}

/** It has no way back. */
export const IRREVERSIBLE = "-- tminus: up\nalter table products add column weight integer;\n";

/** A further migration that git does not have. */
export function uncommittedMigration(...also: string[]): Variant {
  return {
    breaks: (world) => world.git.write(MORE, "-- tminus: up\nselect 1;\n-- tminus: down\nselect 1;\n"),
    reason: /^not committed: releases\/v2\/migrations\/20260301120000_more\.sql/,
    also,
  };
}

/** One approval less than is wanted. */
export function notApproved(wanted: number): Variant {
  return {
    breaks: (world) => world.commit({ "notes.txt": "a note\n" }, { approvals: wanted - 1 }),
    reason: new RegExp(`^${wanted - 1} of ${wanted} approvals of #1`),
  };
}

export function failedCheck(name: "build" | "danger"): Variant {
  return {
    breaks: (world) => world.commit({ "notes.txt": "a note\n" }, { checks: { [name]: "failure" } }),
    reason: new RegExp(`^failed on \\w+: ${name} \\(failure\\)$`),
  };
}

export const secretInTree: Variant = {
  breaks: (world) => world.commit({ "scripts/token.txt": `${githubToken}\n` }),
  reason: /^1 secret: scripts\/token\.txt:1:1 /,
};

export const variableMissing: Variant = {
  breaks: (world) => world.commit({ ".env.example": `${world.read(".env.example")}MAIL_FROM=\n` }),
  reason: /^in \.env\.example but not in the runbook: MAIL_FROM$/,
};

export const backupGone: Variant = {
  breaks: (world) => world.moveBackups("away"),
  reason: /^no backup of production in .* can be relied on/,
  repairs: (world) => world.moveBackups("back"),
};

export const strayTable: Variant = {
  breaks: (world) => world.sql("production", "create table stray (id integer)"),
  reason: /table public\.stray/,
  repairs: (world) => world.sql("production", "drop table stray"),
};

export const advisory: Variant = {
  breaks(world) {
    world.registry.advisories = {
      pg: [
        {
          id: 1,
          url: "https://github.com/advisories/GHSA-aaaa-bbbb-cccc",
          title: "made up",
          severity: "high",
          vulnerable_versions: "*",
        },
      ],
    };
  },
  reason: /^1 advisory: pg \(high, GHSA-aaaa-bbbb-cccc\)$/,
  repairs: (world) => void (world.registry.advisories = {}),
};

export const trackerRefuses: Variant = {
  breaks: (world) => world.sentry.behave("unauthorized"),
  reason: /^sentry: .*401/,
  repairs: (world) => world.sentry.behave("none"),
};

export const readableByVisitors: Variant = {
  breaks: (world) => world.sql("staging", "grant select on users to shop_visitor"),
  reason: /^exit code 3: /,
  output: /1 hole in row security: public\.users/,
  repairs: (world) => world.sql("staging", "revoke select on users from shop_visitor"),
};
