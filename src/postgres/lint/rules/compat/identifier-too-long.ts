import { treeOf, walk } from "../../../sql/tree.ts";
import { defineRule } from "../../define-rule.ts";

/** NAMEDATALEN - 1: https://www.postgresql.org/docs/18/sql-syntax-lexical.html */
const MAX_BYTES = 63;

/** Quick: a long word, long quotes, or letters of several bytes. */
const MAY_HAVE = /[\w$]{60}|"[^"]{60}|[\u0080-\uFFFF]/;

export const identifierTooLong = defineRule({
  id: "identifier-too-long",
  summary: "A name of more than 63 bytes, which PostgreSQL cuts without an error.",
  severity: "block",
  requirements: ["C6"],
  why: "The object gets another name than the file says: tools that compare the two see a difference for ever, and two long names can become the same.",
  bad: [
    {
      sql: "alter table users add column a_name_that_goes_on_and_on_until_nobody_can_read_it_any_more_at_all text;",
      effect: {
        shows:
          "select exists (select from pg_attribute where attrelid = 'users'::regclass and length(attname) = 63)",
      },
    },
  ],
  good: [{ sql: "alter table users add column a_name_that_can_be_read text;" }],
  check({ node, text }) {
    if (treeOf(node, "DoStmt") !== undefined || !MAY_HAVE.test(text)) return [];
    // The parser has cut the names already: they are looked for in the text.
    const cut = new Set<string>();
    walk(node, (_, fields) => {
      for (const value of Object.values(fields)) {
        if (typeof value === "string" && Buffer.byteLength(value) >= MAX_BYTES - 3) cut.add(value);
      }
    });
    const long = [...cut].filter((name) => new RegExp(`(?<![\\w$])"?${escape(name)}[\\w$]`, "i").test(text));
    return long.map((name) => ({
      message: `the name is longer than 63 bytes and becomes ${name}`,
      hint: "Give it a shorter name.",
    }));
  },
  noRewrite: "A shorter name has to be chosen together with the code that uses it.",
});

function escape(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
