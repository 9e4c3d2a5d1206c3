import { expect, it } from "vitest";
import { parse } from "yaml";
import { signalKinds } from "../../src/compose/signal-kinds.ts";

it("holds no kind whose own example its settings refuse", () => {
  const refused = Object.entries(signalKinds).flatMap(([kind, { schema, example }]) => {
    const { error } = schema.safeParse(parse(example));
    return error === undefined ? [] : [`${kind}: ${error.message}`];
  });
  expect(refused).toEqual([]);
});
