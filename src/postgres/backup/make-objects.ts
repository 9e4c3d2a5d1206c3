import type { Session } from "../session/connect.ts";
import { explainRefusal } from "./refusal.ts";
import type { BackupObject } from "./schema/script.ts";

/** Makes objects of the schema, in the order given. Errors: BACKUP_FAILED, which names the object. */
export async function makeObjects(session: Session, objects: readonly BackupObject[]): Promise<void> {
  for (const { key, sql } of objects) {
    await explainRefusal(`the backup cannot be restored: ${key}`, async () => {
      for (const statement of sql) await session.query(statement);
    });
  }
}
