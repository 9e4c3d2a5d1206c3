import { textsOf, treeOf } from "../../../sql/tree.ts";
import { defineRule } from "../../define-rule.ts";

export const searchPathEmptied = defineRule({
  id: "search-path-emptied",
  summary: "set_config('search_path', '', false), as pg_dump writes it.",
  severity: "ask",
  requirements: ["C6"],
  why: "With a runner that goes on in the same session every later file looks for its names nowhere, or somewhere else.",
  bad: [
    {
      sql: "select pg_catalog.set_config('search_path', '', false);",
      effect: { breaks: "select id from users" },
    },
  ],
  good: [{ sql: "select pg_catalog.set_config('search_path', '', true); set local search_path to public;" }],
  check({ node }) {
    const target = treeOf(treeOf(node, "SelectStmt")?.targetList?.[0], "ResTarget");
    const call = treeOf(target?.val, "FuncCall");
    const [name, value, isLocal] = (call?.args ?? []).map((each) => treeOf(each, "A_Const"));
    const isSet = textsOf(call?.funcname).at(-1) === "set_config" && name?.sval?.sval === "search_path";
    if (!isSet || isLocal?.boolval?.boolval === true || (value?.sval?.sval ?? "") !== "") return [];
    return [
      {
        message:
          "names without a schema are found nowhere from here on, with many runners also in the files that follow",
        hint: "Remove the line, or write set_config('search_path', '', true), which ends with the transaction.",
      },
    ];
  },
  noRewrite:
    "Whether the statements behind it lean on the empty path is not told by the text: remove the line when all of their names have their schema.",
});
