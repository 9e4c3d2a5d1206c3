import { describe, expect, it } from "vitest";
import { documentOf } from "../../src/server/app.ts";
import { bareApp } from "./support/bare-app.ts";

type Operations = Record<string, { summary?: string; responses: Record<string, unknown> }>;

const document = documentOf(bareApp(undefined), "0.0.0") as { paths: Record<string, Operations> };

describe("the API's document", () => {
  it("is what programs were written against; a change of it is looked at", async () => {
    await expect(`${JSON.stringify(document, undefined, 2)}\n`).toMatchFileSnapshot("goldens/openapi.txt");
  });

  it("says of every operation what it does and how it fails", () => {
    const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
    expect(operations.length).toBeGreaterThan(20);
    for (const { summary, responses } of operations) {
      expect(summary).toMatch(/\w/);
      expect(Object.keys(responses)).toEqual(expect.arrayContaining(["401", "403", "429"]));
    }
  });
});
