import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventStreamReader } from "../../src/lib/event-stream.ts";

const STREAM =
  ': follows\n\nevent: run-event\nid: 7\ndata: {"a":1}\n\n: ping\n\ndata: one\r\ndata:two\r\n\r\nid: 8\n\nretry: 10\ndata: last\n\n';
const PARTS = [
  { kind: "comment" },
  { kind: "message", id: "7", event: "run-event", data: '{"a":1}' },
  { kind: "comment" },
  { kind: "message", id: "7", event: "message", data: "one\ntwo" },
  { kind: "message", id: "8", event: "message", data: "last" },
];

describe("a stream of server-sent events", () => {
  it("is read as messages with their ids, and as signs of life", () => {
    expect(new EventStreamReader().push(STREAM)).toEqual(PARTS);
  });

  it("is read the same wherever it is cut", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(STREAM.length), { maxLength: 12 }), (cuts) => {
        const reader = new EventStreamReader();
        const places = [0, ...cuts.sort((a, b) => a - b), STREAM.length];
        const read = places.slice(1).flatMap((to, index) => reader.push(STREAM.slice(places[index], to)));
        expect(read).toEqual(PARTS);
      }),
    );
  });

  it("gives nothing for a message that has not ended", () => {
    expect(new EventStreamReader().push("id: 9\ndata: half")).toEqual([]);
  });
});
