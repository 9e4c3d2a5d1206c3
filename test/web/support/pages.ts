/** The pages of the console but those of one run, with a text that is there once a page has what it shows. */
export const PAGES: readonly { name: string; path: string; ready: string }[] = [
  { name: "now", path: "/", ready: "Plan a release" },
  { name: "runs", path: "/runs", ready: "SUCCEEDED" },
  { name: "plan", path: "/plan?environment=production&release=good", ready: "Making a plan looks at" },
  { name: "database", path: "/database", ready: "when it is rolled back" },
  { name: "flags", path: "/flags", ready: "No flags are configured" },
  { name: "calendar", path: "/calendar", ready: "Next openings" },
  { name: "insights", path: "/insights", ready: "Change failure rate" },
  { name: "settings", path: "/settings", ready: "ann@example.com" },
];
