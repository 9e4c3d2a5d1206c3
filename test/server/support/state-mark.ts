import pg from "pg";

/** Noted by looking alone, at most once a minute. */
const NOTED_BY_READING = "'{last_used_at,heartbeat_at}'::text[]";

/** By table of the state database: how many rows there are, and a hash of what is in them. */
export type StateMark = Record<string, string>;

/** Tells by two marks whether anything that is written down in the state was changed between them, and where. */
export class StateReader {
  readonly #client: pg.Client;
  #sql = "";

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  static async open(stateUrl: string): Promise<StateReader> {
    const reader = new StateReader(new pg.Client({ connectionString: stateUrl }));
    await reader.#client.connect();
    const { rows } = await reader.#client.query<{ name: string }>(
      "select table_name as name from information_schema.tables where table_schema = 'tminus' and table_type = 'BASE TABLE' order by 1",
    );
    const marks = rows.map(
      ({ name }) =>
        `select '${name}' as name, count(*) || ' rows, ' || md5(coalesce(string_agg(line, e'\\n' order by line), '')) as mark
           from (select (to_jsonb(t) - ${NOTED_BY_READING})::text as line from tminus.${name} t) lines`,
    );
    reader.#sql = marks.join("\nunion all\n");
    return reader;
  }

  async mark(): Promise<StateMark> {
    const { rows } = await this.#client.query<{ name: string; mark: string }>(this.#sql);
    return Object.fromEntries(rows.map(({ name, mark }) => [name, mark]));
  }

  async close(): Promise<void> {
    await this.#client.end();
  }
}

/** The tables that differ. */
export function changedBetween(before: StateMark, after: StateMark): string[] {
  return Object.keys(after).filter((table) => after[table] !== before[table]);
}
