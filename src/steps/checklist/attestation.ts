import type { Attachment } from "../../model/evidence.ts";
import type { Signal } from "../../model/signal.ts";

/** What a named person said about one item of a list. */
export type Attestation = {
  item: string;
  text: string;
  by: string;
  at: string;
  note: string;
  attachment?: Attachment;
};

/** Takes a signal that attests one of the items; the first word on an item stands. Others change nothing. */
export function attest(
  attested: Map<string, Attestation>,
  items: readonly { id: string; text: string }[],
  { body, actor, at }: Signal,
): void {
  if (body.kind !== "attest" || attested.has(body.item)) return;
  const item = items.find(({ id }) => id === body.item);
  if (item === undefined) return;
  const { note, attachment } = body;
  attested.set(item.id, {
    item: item.id,
    text: item.text,
    by: actor,
    at: at.toISOString(),
    note,
    ...(attachment === undefined ? {} : { attachment }),
  });
}
