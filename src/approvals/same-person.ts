import type { Actor } from "../model/actor.ts";
import { canonicalName } from "../model/person-name.ts";

/** Somebody as git names them. */
export interface GitPerson {
  name: string;
  email: string;
}

/** 123+ann@users.noreply.github.com: what stands before the @ is the name at GitHub. */
const NOREPLY = /^(?:\d+\+)?([^@+]+)@users\.noreply\.github\.com$/;

/** What somebody is known by; who shares one of these with somebody is taken for the same person. */
export function marksOfActor({ name, emails }: Actor): string[] {
  return [...marksOfName(name), ...emails.map(markOfEmail)];
}

export function marksOfAuthor({ name, email }: GitPerson): string[] {
  const login = NOREPLY.exec(canonicalName(email))?.[1];
  return [...marksOfName(name), markOfEmail(email), ...(login === undefined ? [] : marksOfName(login))];
}

/** For each of those given a number that is the same for the same person, also when only a third one connects the two. */
export function groupPersons(marksOfEach: readonly (readonly string[])[]): number[] {
  const group = marksOfEach.map((_, index) => index);
  const rootOf = (index: number): number => (group[index] === index ? index : rootOf(group[index]!));
  const firstWith = new Map<string, number>();
  for (const [index, marks] of marksOfEach.entries()) {
    for (const mark of marks) {
      const first = firstWith.get(mark);
      if (first === undefined) firstWith.set(mark, index);
      else group[rootOf(index)] = rootOf(first);
    }
  }
  return group.map((_, index) => rootOf(index));
}

/** Somebody may give an e-mail for a name. */
function marksOfName(name: string): string[] {
  const canonical = canonicalName(name);
  if (canonical === "") return [];
  return canonical.includes("@") ? [`name ${canonical}`, markOfEmail(canonical)] : [`name ${canonical}`];
}

function markOfEmail(email: string): string {
  return `e-mail ${canonicalName(email)}`;
}
