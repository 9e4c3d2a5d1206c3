import { expect, it } from "vitest";
import { openScanner } from "../../../src/gates/secrets/scan.ts";
import {
  databaseUrl,
  githubToken,
  supabaseAccessToken,
  supabaseKey,
  supabaseSecretKey,
  vercelToken,
} from "../../support/made-up-secrets.ts";

const scan = await openScanner();
const rules = async (text: string): Promise<string[]> => (await scan("a.txt", text)).map(({ rule }) => rule);

it.each([
  ["github", githubToken],
  ["database-connection-string", `const url = "${databaseUrl}";`],
  ["supabase-service-role-key", `SUPABASE_SERVICE_ROLE_KEY=${supabaseKey("service_role")}`],
  ["supabase-secret-key", supabaseSecretKey],
  ["supabase-access-token", `SUPABASE_ACCESS_TOKEN: ${supabaseAccessToken}`],
  ["vercel-token", `VERCEL_TOKEN=${vercelToken}`],
  ["vercel-token", `  "VERCEL_TOKEN": "${vercelToken}"`],
  ["vercel-token", `vercel rollback --token=${vercelToken}`],
])("finds by the rule %s", async (rule, text) => {
  expect(await rules(text)).toEqual([rule]);
});

it.each([
  ["the public key of Supabase", supabaseKey("anon")],
  ["a token that is no JSON", supabaseKey("anon").replace(/\..*\./, `.eyJ${"x".repeat(40)}.`)],
  [
    "a variable in place of a token",
    "vercel --token=$VERCEL_TOKEN; VERCEL_TOKEN=${{ secrets.VERCEL_TOKEN }}",
  ],
  ["a hash in place of a token", `VERCEL_TOKEN=${"0123456789ab".repeat(2)}`],
  ["a placeholder in place of a password", "postgres://app:<password>@db.example.com/shop"],
  ["the placeholder of Supabase", "postgresql://postgres:[YOUR-PASSWORD]@db.abc.supabase.co:5432/postgres"],
  ["variables in a template", "`postgres://${user}:${password}@${host}:${port}/shop`"],
  ["a variable in place of a password", "postgres://app:${PASSWORD}@db.example.com/shop"],
])("does not take %s for a secret", async (_, text) => {
  expect(await rules(text)).toEqual([]);
});

it("says line and column, counted from 1, and shows of a secret only how it begins", async () => {
  const found = await scan(
    "a/b.ts",
    `// é\nconst token = "${githubToken}";\nconst url = '${databaseUrl}';\n`,
  );
  expect(found).toEqual([
    { file: "a/b.ts", line: 2, column: 16, rule: "github", sample: "ghp_… (40 characters)" },
    {
      file: "a/b.ts",
      line: 3,
      column: 14,
      rule: "database-connection-string",
      sample: "postgres://***:***@db.example.com:5432/shop",
    },
  ]);
});

it("shows of an address neither its password, nor its query, nor what stands behind its quote", async () => {
  const url = ["postgres://app:p%40ssw0rd12", "db/shop"].join("@");
  const [query, tail] = await scan(
    "a.ts",
    `"${url}?password=other"\n"${databaseUrl}")).toBe("${githubToken}`,
  );
  expect([query?.sample, tail?.sample]).toEqual([
    "postgres://***:***@db/shop",
    "postgres://***:***@db.example.com:5432/shop",
  ]);
});

it("heeds no comment that switches a rule off", async () => {
  const text = `// secretlint-disable\n${githubToken} // secretlint-disable-line\n`;
  expect(await rules(text)).toEqual(["github"]);
});

it("knows a file by its name where a rule is about that", async () => {
  const token = ["npm", "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0dF3gH6"].join("_");
  const found = await scan(".npmrc", `//registry.npmjs.org/:_authToken=${token}\n`);
  expect(found.map(({ rule }) => rule)).toContain("npm");
});
