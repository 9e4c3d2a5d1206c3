import type { RequestLog } from "../model/web-session.ts";
import { query, type Pool } from "./pool.ts";

interface RequestRow {
  fingerprint: string;
  status: number | null;
  body: string | null;
}

export function openRequestLog(pool: () => Promise<Pool>): RequestLog {
  return {
    async begin(sender, key, fingerprint) {
      const [row] = await query<RequestRow>(
        await pool(),
        "select * from tminus.begin_api_request($1, $2, $3)",
        [sender, key, fingerprint],
      );
      if (row === undefined) return undefined;
      if (row.fingerprint !== fingerprint) return { state: "other" };
      const { status, body } = row;
      return status === null || body === null ? { state: "open" } : { state: "answered", status, body };
    },
    async answer(sender, key, { status, body }) {
      await query(await pool(), "select tminus.answer_api_request($1, $2, $3, $4)", [
        sender,
        key,
        status,
        body,
      ]);
    },
    async forget(sender, key) {
      await query(await pool(), "select tminus.forget_api_request($1, $2)", [sender, key]);
    },
  };
}
