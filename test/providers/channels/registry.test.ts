import { expect, it } from "vitest";
import { Secret } from "../../../src/lib/redact.ts";
import { channelKinds } from "../../../src/providers/channels/registry.ts";

const ports = {
  secret: (reference: string) => new Secret("http://127.0.0.1:1", reference),
  writeLine: () => undefined,
};

it.each(Object.keys(channelKinds))("opens a channel of the kind %s under its id", (kind) => {
  const settings = kind === "webhook" ? { url: "env:HOOK" } : {};
  const channel = channelKinds[kind]!.open("ops", channelKinds[kind]!.schema.parse(settings), ports);
  expect({ id: channel.id, kind: channel.kind }).toEqual({ id: "ops", kind });
});

it.each(Object.keys(channelKinds))("takes no unknown setting for the kind %s", (kind) => {
  expect(channelKinds[kind]!.schema.safeParse({ url: "env:HOOK", colour: "red" }).success).toBe(false);
});
