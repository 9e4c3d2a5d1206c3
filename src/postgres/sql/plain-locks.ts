import type { LockTarget } from "./strong-locks.ts";

const NAME = String.raw`(?:"(?:[^"]|"")+"|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)`;
const RELATION = String.raw`(${NAME})(?: ?\. ?(${NAME}))?`;
const ALTER_TABLE = new RegExp(
  String.raw`^alter table (?:if exists )?(?:only )?${RELATION} (?:add|alter|drop|rename|enable|disable|force)\b`,
  "i",
);
const CREATE_INDEX = new RegExp(
  String.raw`^create (?:unique )?index (?!concurrently\b)(?:if not exists )?(?:${NAME} )?on (?:only )?${RELATION}(?: |\(|$)`,
  "i",
);
/** What takes another lock than the usual one, or one on a second table. */
const SPECIAL = /\b(references|validate|statistics|attach|detach|cluster|inherit)\b|\b(re)?set ?\(/i;

/**
 * The locks of the commonest statements in their commonest form, from a statement's `code`; undefined for
 * everything else. To load the parser costs more than a hundred small migrations.
 */
export function plainLocks(code: string): LockTarget[] | undefined {
  if (SPECIAL.test(code)) return undefined;
  const altered = ALTER_TABLE.exec(code);
  if (altered !== null) return [target(altered, "AccessExclusiveLock")];
  const indexed = CREATE_INDEX.exec(code);
  return indexed === null ? undefined : [target(indexed, "ShareLock")];
}

function target([, first, second]: RegExpExecArray, mode: LockTarget["mode"]): LockTarget {
  const relation =
    second === undefined ? { name: fold(first!) } : { schema: fold(first!), name: fold(second) };
  return { relation, mode };
}

function fold(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.toLowerCase();
}
