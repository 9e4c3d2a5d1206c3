import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { gateKinds } from "../../src/gates/registry.ts";
import { stepKinds } from "../../src/steps/registry.ts";

const kinds = [...Object.entries(stepKinds), ...Object.entries(gateKinds)];

describe.each(kinds)("%s", (name, kind) => {
  it("is registered under its own name, in lower case with dots or a hyphen", () => {
    expect(kind.kind).toBe(name);
    expect(name).toMatch(/^[a-z]+([.-][a-z]+)*$/);
    expect(kind.requirements.length).toBeGreaterThan(0);
  });

  it("has an example that its schema takes, and takes no unknown setting", () => {
    const example = parse(kind.example) as Record<string, unknown>;
    expect(kind.schema.safeParse(example).error).toBeUndefined();
    expect(kind.schema.safeParse({ ...example, unheardOf: 1 }).success).toBe(false);
  });

  it("describes every setting", () => {
    const { properties = {} } = z.toJSONSchema(kind.schema, { io: "input" });
    for (const [field, schema] of Object.entries(properties))
      expect(schema, field).toMatchObject({ description: expect.any(String) as unknown });
  });
});
