import { join } from "node:path";
import { defineConfig } from "vitest/config";

/** Tests that play a whole story under load: beside others they would measure the others. */
const ALONE = ["test/e2e/demo.test.ts"];

export default defineConfig({
  test: {
    globalSetup: ["test/global-setup.ts"],
    // For the many processes that tests start: they need not take the types out of every file again.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, "node_modules/.cache/tests-compiled") },
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // On a machine of CI's, which others use too, a failure has to show twice. The report says which tests were repeated.
    retry: process.env.CI === undefined ? 0 : 1,
    projects: [
      {
        extends: true,
        test: {
          name: "together",
          include: ["test/**/*.test.ts"],
          exclude: ALONE,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: "alone", include: ALONE, fileParallelism: false, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
