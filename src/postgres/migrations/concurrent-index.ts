/** CREATE or DROP INDEX CONCURRENTLY: the statements that may run outside a transaction, because the catalog tells afterwards how far they came. */
export type ConcurrentIndex =
  /** `table` as written; `index` without quotes, folded as PostgreSQL does. */
  | { action: "create"; index: string; table: string }
  /** `index` as written, with its schema if it had one. */
  | { action: "drop"; index: string };

const NAME = String.raw`(?:"[^"]+"|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)`;
const QUALIFIED = String.raw`${NAME}(?: ?\. ?${NAME})?`;
const CREATE = new RegExp(
  String.raw`^create (?:unique )?index concurrently (${NAME}) on (?:only )?(${QUALIFIED})(?: |\(|$)`,
  "i",
);
const DROP = new RegExp(
  String.raw`^drop index concurrently (?:if exists )?(${QUALIFIED})(?: (?:cascade|restrict))?$`,
  "i",
);

/** Reads a statement's `code`; undefined when it is none of these, names no index, or names several. */
export function concurrentIndex(code: string): ConcurrentIndex | undefined {
  const created = CREATE.exec(code);
  if (created !== null) return { action: "create", index: unquote(created[1]!), table: created[2]! };
  const dropped = DROP.exec(code);
  return dropped === null ? undefined : { action: "drop", index: dropped[1]! };
}

function unquote(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1) : name.toLowerCase();
}
