import { keyOf, shown } from "../../catalog/catalog.ts";
import { commandsOf, inlineConstraint, placeOfCommand } from "../../commands-of.ts";
import { defineRule } from "../../define-rule.ts";
import { addNotValid } from "../../rewrite/add-not-valid.ts";

export const addForeignKeyValidated = defineRule({
  id: "add-foreign-key-validated",
  summary: "A foreign key that checks every row at once.",
  severity: "block",
  requirements: ["C6"],
  why: "Neither of the two tables takes a write until every row is checked. With NOT VALID only new rows are checked; VALIDATE CONSTRAINT then checks the old ones beside the application.",
  bad: [
    {
      sql: "alter table items add constraint items_order foreign key (order_id) references orders (id);",
      effect: { scans: "items" },
    },
    {
      sql: "alter table items add column user_id bigint default 1 references users (id);",
      effect: { scans: "items" },
    },
  ],
  good: [
    {
      sql: [
        "alter table items add constraint items_order foreign key (order_id) references orders (id) not valid;",
        "alter table items validate constraint items_order;",
      ],
    },
    // A new column without a default has no value to check.
    { sql: "alter table items add column user_id bigint references users (id);" },
  ],
  check(statement, { catalog, isLive }) {
    return commandsOf(statement, catalog, "AT_AddConstraint", "AT_AddColumn").flatMap((added) => {
      const isColumn = added.subtype === "AT_AddColumn";
      if (isColumn && inlineConstraint(added.definition, "CONSTR_DEFAULT") === undefined) return [];
      const key = isColumn ? inlineConstraint(added.definition, "CONSTR_FOREIGN") : added.constraint;
      if (key?.contype !== "CONSTR_FOREIGN" || key.skip_validation === true || key.is_enforced === false)
        return [];
      if (!isLive(added.table)) return [];
      return [
        {
          ...placeOfCommand(added),
          message: `nothing can be written to ${shown(added.table)} and ${shown(keyOf(catalog, key.pktable))} until every row is checked`,
          hint: isColumn
            ? "Add the column without the constraint, then the constraint with NOT VALID, and VALIDATE it in a later file."
            : "Add the constraint with NOT VALID, then VALIDATE CONSTRAINT in a later file.",
        },
      ];
    });
  },
  rewrite: (_finding, statement, context) => addNotValid(statement, context, "CONSTR_FOREIGN"),
});
