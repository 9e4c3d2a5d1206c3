import { treeOf } from "../../../sql/tree.ts";
import { defineRule } from "../../define-rule.ts";

export const transactionControl = defineRule({
  id: "transaction-control",
  summary:
    "BEGIN, COMMIT or ROLLBACK in a file that already runs in one transaction, or a BEGIN that nothing ends.",
  severity: "ask",
  requirements: ["C6"],
  why: "COMMIT ends the transaction that keeps the migration and the note that it has run together: what comes after it stays when something fails.",
  bad: [
    {
      sql: "begin; alter table users add column one text; commit; alter table users add column two text;",
      effect: { unseen: "the runner's note that the file has run is what gets torn off" },
    },
    {
      sql: { outside: "begin; alter table users add column one text;" },
      effect: { unseen: "the connection that holds the transaction is gone with its runner" },
      isLeft: true,
    },
    {
      sql: "begin; alter table users add column one text; rollback; alter table users add column two text;",
      effect: { unseen: "the runner's note that the file has run is what gets torn off" },
      isLeft: true,
    },
  ],
  good: [{ sql: "alter table users add column one text; alter table users add column two text;" }],
  check({ node, transaction, index }, { file, statements }) {
    const kind = treeOf(node, "TransactionStmt")?.kind;
    if (
      kind === undefined ||
      kind === "TRANS_STMT_SAVEPOINT" ||
      kind === "TRANS_STMT_RELEASE" ||
      kind === "TRANS_STMT_ROLLBACK_TO"
    )
      return [];
    if (file.transactional) {
      return [
        {
          message:
            "the file runs in one transaction already, which keeps it and the note that it has run together",
          hint: "Remove it.",
        },
      ];
    }
    const isBegin = kind === "TRANS_STMT_BEGIN" || kind === "TRANS_STMT_START";
    const isEnded = statements.some(
      (other) =>
        other.index > index &&
        other.transaction === transaction &&
        /^TRANS_STMT_(COMMIT|ROLLBACK|PREPARE)$/.test(treeOf(other.node, "TransactionStmt")?.kind ?? ""),
    );
    if (!isBegin || isEnded) return [];
    return [
      {
        severity: "block",
        message: "nothing in the file ends this transaction",
        hint: "Write COMMIT; after its last statement.",
      },
    ];
  },
  rewrite(_finding, { node }, { file, statements }) {
    const trees = statements.flatMap((other) => treeOf(other.node, "TransactionStmt") ?? []);
    if (!file.transactional)
      return { reason: "Whether the transaction is to be kept is not in the file: write COMMIT at its end." };
    if (!trees.every(({ kind }) => LEFT_OUT.has(kind)))
      return {
        reason:
          "What is to be taken back or kept for later is not told for certain: write the file without transactions of its own.",
      };
    if ((treeOf(node, "TransactionStmt")?.options ?? []).length > 0)
      return {
        reason: "The transaction asks for a mode of its own, which the file's transaction does not have.",
      };
    // The runner's transaction does what this one was for.
    return { steps: [] };
  },
});

const LEFT_OUT: ReadonlySet<string | undefined> = new Set([
  "TRANS_STMT_BEGIN",
  "TRANS_STMT_START",
  "TRANS_STMT_COMMIT",
]);
