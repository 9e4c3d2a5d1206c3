import type { HistoryFormat } from "../../migrations/migration.ts";
import type { LintFile } from "../lint-file.ts";

/** What a migration file says, in the format of its owner. `preamble`: comments that stood before its sections. */
export function textOf(format: HistoryFormat, file: LintFile, preamble = ""): string {
  const head = [
    ...(preamble.trim() === "" ? [] : [preamble.trim()]),
    ...(file.transactional || format !== "native" ? [] : ["-- tminus: no-transaction"]),
    ...(file.phase === "expand" ? [] : [`-- tminus: phase ${file.phase}`]),
    ...file.allows.map(({ rule, reason }) => `-- tminus: allow ${rule} ${reason}`),
  ];
  // Other tools have no sections: the whole file runs forward.
  if (format !== "native") return `${[...head, file.sql.trim()].join("\n")}\n`;
  const down = file.down === undefined ? [] : ["-- tminus: down", file.down.trim()];
  return `${[...head, "-- tminus: up", file.sql.trim(), ...down].join("\n")}\n`;
}
