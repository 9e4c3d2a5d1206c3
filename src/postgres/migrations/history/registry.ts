import type { MigrationHistory } from "../history.ts";
import type { HistoryFormat } from "../migration.ts";
import { nativeHistory } from "./native.ts";
import { prismaHistory } from "./prisma.ts";
import { supabaseHistory } from "./supabase.ts";

/** Every format of files and of tables of what has run. A new one adds its line. */
const HISTORIES: readonly MigrationHistory[] = [nativeHistory, supabaseHistory, prismaHistory];

export function historyOf(format: HistoryFormat): MigrationHistory {
  return HISTORIES.find((history) => history.format === format) ?? nativeHistory;
}
