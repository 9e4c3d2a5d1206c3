import type { Detected } from "./detect.ts";

/** The YAML of a first runbook: two environments, the gates that were found, a canary with a watch. */
export function runbookText(found: Detected): string {
  return [
    "# The deployment runbook. Check it: tminus doctor. Look ahead: tminus plan --env staging --release <name>.",
    "version: 1",
    `project: ${found.project}`,
    "",
    "environments:",
    ...environment(found, "staging", 4079, []),
    ...environment(found, "production", 4080, ["    protected: true   # changing it is confirmed by name"]),
    "",
    ...gates(found),
    "stages:",
    ...databaseStage(found),
    "  - id: application",
    "    title: Application",
    "    risk: medium",
    "    steps:",
    "      - { id: deploy, kind: app.deploy, title: Start the release without traffic }",
    "      - { id: canary, kind: app.shift, with: { percent: 10 } }",
    "      - id: look",
    "        kind: watch",
    "        with:",
    "          duration: 10m",
    "          rules:",
    '            - "errors: when error_rate > 1% -> rollback"',
    "      - { id: all, kind: app.shift, with: { percent: 100 } }",
    "",
    "rollback:",
    "  automatic: true   # a failed step undoes everything that was done",
    "  database: keep    # applied migrations stay; down would run their down sections",
    "",
  ].join("\n");
}

function environment({ start, migrations }: Detected, name: string, port: number, extra: string[]): string[] {
  const variable = `${name.toUpperCase()}_DATABASE_URL`;
  return [
    `  ${name}:`,
    `    url: http://127.0.0.1:${port}   # public address of the service`,
    ...extra,
    ...(migrations === undefined
      ? []
      : [`    database: { url: "env:${variable}" }   # never the value itself`]),
    "    target:",
    "      kind: local",
    `      port: ${port}`,
    '      directory: "releases/{release}"   # a release is the folder of this name',
    `      command: ${JSON.stringify(start)}`,
    ...(migrations === undefined ? [] : ["    variables:", `      DATABASE_URL: "env:${variable}"`]),
  ];
}

function gates({ gates, isGit }: Detected): string[] {
  if (gates.length === 0 && !isGit) return [];
  return [
    "gates:   # what must be true before anything changes",
    ...gates.map(
      ({ id, title, run }) =>
        `  - { id: ${id}, kind: command, title: ${title}, with: { run: ${JSON.stringify(run)} } }`,
    ),
    ...(isGit ? ["  - { id: clean, kind: git.clean, title: Nothing uncommitted }"] : []),
    "",
  ];
}

function databaseStage({ migrations }: Detected): string[] {
  if (migrations === undefined) return [];
  return [
    "  - id: database",
    "    title: Database",
    "    risk: medium",
    "    steps:",
    `      - { id: migrate, kind: db.migrate, with: { directory: ${JSON.stringify(migrations)} } }`,
  ];
}
