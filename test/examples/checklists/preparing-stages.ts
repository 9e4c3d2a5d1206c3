import type { ShopWorldOptions } from "./shop-world.ts";

/** Stages that bring the shop to where a checklist begins, in the form of a runbook. */
export function preparingStages({
  production,
  rehearsed = false,
}: Pick<ShopWorldOptions, "production" | "rehearsed">): object[] {
  const checks = [{ id: "health", path: "/health" }];
  return [
    {
      id: "database",
      steps: [{ id: "migrate", kind: "db.migrate", with: { directory: "releases/{release}/migrations" } }],
    },
    {
      id: "app",
      ...(production === "serves" ? {} : { environments: ["staging"] }),
      steps: [
        { id: "deploy", kind: "app.deploy" },
        { id: "shift", kind: "app.shift", with: { percent: 100 } },
      ],
    },
    ...(rehearsed
      ? [
          {
            id: "rehearsal",
            environments: ["staging"],
            steps: [{ id: "rehearse", kind: "app.rehearse-rollback", with: { checks } }],
          },
        ]
      : []),
  ];
}
