/** The pages, in the order of the navigation; `key` follows g. */
export const places: readonly { path: string; name: string; key: string }[] = [
  { path: "/", name: "Now", key: "n" },
  { path: "/runs", name: "Runs", key: "r" },
  { path: "/plan", name: "Plan", key: "p" },
  { path: "/database", name: "Database", key: "d" },
  { path: "/flags", name: "Flags", key: "f" },
  { path: "/calendar", name: "Calendar", key: "c" },
  { path: "/insights", name: "Insights", key: "i" },
  { path: "/settings", name: "Settings", key: "s" },
];
