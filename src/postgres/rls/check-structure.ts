import type { Session } from "../session/connect.ts";
import type { RlsCheck } from "./checks/define.ts";
import { rlsChecks } from "./checks/registry.ts";

export interface RlsFinding extends Pick<RlsCheck, "id" | "title" | "level" | "fix"> {
  /** Quoted and schema-qualified. */
  object: string;
  detail: string;
}

/** What the catalog says about row security in the schemas that are exposed to these roles. Reads only. */
export async function checkStructure(
  session: Session,
  { schemas, roles }: { schemas: readonly string[]; roles: readonly string[] },
): Promise<RlsFinding[]> {
  const findings: RlsFinding[] = [];
  for (const { id, title, level, fix, sql } of rlsChecks) {
    const values = sql.includes("$2") ? [schemas, roles] : [schemas];
    const rows = await session.query<{ object: string; detail: string }>(sql, values);
    findings.push(...rows.map(({ object, detail }) => ({ id, title, level, fix, object, detail })));
  }
  return findings;
}
