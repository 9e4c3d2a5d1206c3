/**
 * Every trigger, threshold and success criterion of the five runbooks that is a condition on something measured:
 * whose it is, their words, and the rule. Gates (a migration that fails, a smoke test) are steps, not rules.
 */
export const RUNBOOK_RULES: readonly { source: string; words: string; rule: string }[] = [
  {
    source: "FOCO",
    words: "error rate > baseline + 50 %",
    rule: "errors: when error_rate > baseline(before 1d) + 50% floor 0.2% -> page",
  },
  {
    source: "FOCO",
    words: "API p95 latency > 10 s",
    rule: "slow: when share(latency > 10s) > 5% -> rollback",
  },
  { source: "FOCO", words: "p95 < 10 s", rule: "fast: expect p95(latency) < 10s for 30m -> hold" },
  {
    source: "FOCO",
    words: "authentication failures > 5 % of attempts",
    rule: "auth: when auth_fail_rate > 5% min 20 events -> page",
  },
  { source: "OPS", words: "error rate exceeds 10 %", rule: "errors: when error_rate > 10% -> rollback" },
  {
    source: "OPS",
    words: "health check fails",
    rule: "health: when probe(health) fails for 3 of 3 -> rollback",
  },
  { source: "OPS", words: "error rate < 5 %", rule: "staging: expect error_rate < 5% -> fail-gate" },
  { source: "OPS", words: "Datadog showing > 5 % error rate", rule: "alert: when error_rate > 5% -> page" },
  { source: "OPS", words: "error rate should be < 1 %", rule: "quiet: expect error_rate < 1% -> hold" },
  {
    source: "OPS",
    words: "error rate < 1 % for 30 minutes",
    rule: "sign-off: expect error_rate < 1% for 30m -> fail-gate",
  },
  { source: "OPS", words: "no new error groups", rule: "groups: when count(new_error_groups) > 0 -> hold" },
  {
    source: "SOP",
    words: "error rate > 1 % for 5 minutes",
    rule: "errors: when error_rate > 1% for 5m -> rollback",
  },
  {
    source: "SOP",
    words: "response time > 1 s (p95) for 10 minutes",
    rule: "slow: when share(latency > 1s) > 5% for 10m -> rollback",
  },
  {
    source: "SOP",
    words: "error rate < 0.1 %",
    rule: "stage: expect error_rate < 0.1% for 30m -> fail-gate",
  },
  { source: "SOP", words: "response time (p95) < 500 ms", rule: "api: expect p95(latency) < 500ms -> note" },
  { source: "SOP", words: "page load < 2 s (p95)", rule: "pages: expect page_load_p95 < 2s -> note" },
  { source: "SOP", words: "cache hit rate > 80 %", rule: "cache: expect cache_hit > 80% -> note" },
  {
    source: "SOP",
    words: "database connections < 80 %",
    rule: "connections: when gauge(pg_conn) > 80% of max for 2m -> page",
  },
  {
    source: "SOP",
    words: "uptime > 99.9 %",
    rule: "uptime: when error_rate > burn(99.9%, 30d) * 14.4 over 1h and 5m -> page",
  },
  { source: "ROD", words: "spike > 1 %", rule: "spike: when error_rate over 5m > 1% -> note" },
  {
    source: "ROD",
    words: "alert threshold 2x baseline",
    rule: "alert: when error_rate > baseline(before 1d) * 2 floor 0.2% -> page",
  },
  { source: "ROD", words: "error rate > 5 %", rule: "errors: when error_rate > 5% -> rollback" },
  { source: "ROD", words: "P95 < 3 s baseline", rule: "usual: expect p95(latency) < 3s -> note" },
  {
    source: "ROD",
    words: "P95 response time > 10 s",
    rule: "slow: when share(latency > 10s) > 5% -> rollback",
  },
  {
    source: "ROD",
    words: "database connections > 90 %",
    rule: "busy: when gauge(pg_conn) > 90% of max for 2m -> page",
  },
  {
    source: "ROD",
    words: "database connections > 95 %",
    rule: "full: when gauge(pg_conn) > 95% of max for 1m -> rollback",
  },
  { source: "ROD", words: "CPU > 80 %", rule: "warm: when gauge(cpu) > 80% for 5m -> note" },
  { source: "ROD", words: "CPU/memory > 90 %", rule: "hot: when gauge(cpu) > 90% for 5m -> page" },
  {
    source: "ROD",
    words: "critical flow fails",
    rule: "checkout: when probe(checkout) fails for 3 of 3 -> rollback",
  },
];
