import { expect, it } from "vitest";
import { createConsoleChannel } from "../../../src/providers/channels/console.ts";

it("writes one line that cannot steer a terminal", async () => {
  const lines: string[] = [];
  const channel = createConsoleChannel({ id: "ops", write: (line) => lines.push(line) });
  const text = "first\r\nsecond \u001b[2Jthird\u202e end\n";
  await channel.send({ key: "k", title: "Deploying v2", text, facts: {} }, new AbortController().signal);
  expect(lines).toEqual(["[ops] Deploying v2: first second  [2Jthird  end"]);
});
