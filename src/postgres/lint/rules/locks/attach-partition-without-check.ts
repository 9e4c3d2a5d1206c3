import { treeOf } from "../../../sql/tree.ts";
import { keyOf, shown } from "../../catalog/catalog.ts";
import { commandsOf, placeOfCommand } from "../../commands-of.ts";
import { defineRule } from "../../define-rule.ts";

export const attachPartitionWithoutCheck = defineRule({
  id: "attach-partition-without-check",
  summary: "ATTACH PARTITION of a table without a validated check that proves its bounds.",
  severity: "block",
  requirements: ["C6"],
  why: "Nobody can read or write the partition until every row is compared with the bounds. A valid CHECK of the same bounds makes it a moment.",
  bad: [
    {
      sql: "alter table readings attach partition readings_2026 for values from ('2026-01-01') to ('2027-01-01');",
      effect: { scans: "readings_2026" },
    },
  ],
  good: [
    {
      sql: [
        "alter table readings_2026 add constraint bounds check (taken_on >= '2026-01-01' and taken_on < '2027-01-01') not valid;",
        "alter table readings_2026 validate constraint bounds;",
        "alter table readings attach partition readings_2026 for values from ('2026-01-01') to ('2027-01-01');",
      ],
    },
  ],
  check(statement, { catalog, isLive }) {
    return commandsOf(statement, catalog, "AT_AttachPartition").flatMap((attach) => {
      const child = keyOf(catalog, treeOf(attach.tree.def, "PartitionCmd")?.name);
      const constraints = [...(catalog.tables.get(child)?.constraints.values() ?? [])];
      if (!isLive(child) || constraints.some(({ kind, isValid }) => kind === "check" && isValid)) return [];
      return [
        {
          ...placeOfCommand(attach),
          message: `every row of ${shown(child)} is compared with the bounds while nobody can read or write it`,
          hint: `Before, in files of their own: ALTER TABLE ${shown(child)} ADD CHECK of the same bounds NOT VALID, then VALIDATE it.`,
          relation: child,
        },
      ];
    });
  },
});
