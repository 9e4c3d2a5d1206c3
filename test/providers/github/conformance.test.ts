import { describe, it } from "vitest";
import { scmScenarios } from "../../../src/testing/index.ts";
import { openWorld } from "./world.ts";

describe("github, as a place for code and reviews", () => {
  for (const { title, run } of scmScenarios({ open: openWorld })) it(title, run, 60_000);
});
