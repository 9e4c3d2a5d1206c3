import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";

/**
 * The least that keeps a history: one connection, for each file BEGIN, the file, a history row, COMMIT. Without
 * any protection. With "merged" these four are one message.
 */
const [connectionString, directory, mode] = process.argv.slice(2);
if (connectionString === undefined || directory === undefined)
  throw new TypeError("usage: raw-migrate-child <url> <directory> [merged]");
const client = new pg.Client({ connectionString });
await client.connect();
await client.query("create table history (version text primary key, applied_at timestamptz default now())");
const files = readdirSync(directory).sort();
for (const file of files) {
  const parts = [
    "begin",
    readFileSync(join(directory, file), "utf8").trimEnd().replace(/;$/, ""),
    `insert into history (version) values (${pg.escapeLiteral(file)})`,
    "commit",
  ];
  if (mode === "merged") await client.query(parts.join(";\n"));
  else for (const part of parts) await client.query(part);
}
await client.end();
process.stdout.write(`${files.length}\n`);
