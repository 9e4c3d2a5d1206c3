/**
 * Every trigger, threshold and success criterion of the five runbooks that is a condition on something measured:
 * whose it is, their words, and the rule. Gates (a migration that fails, a smoke test) are steps, not rules.
 */
export const RUNBOOK_RULES: readonly { source: string; words: string; rule: string }[] = [
  {
    source: "SOP",
    words: "error rate > baseline + 50 %",
    rule: "errors: when error_rate > baseline(before 1d) + 50% floor 0.2% -> page",
  },
  {
    source: "SOP",
    words: "API p95 latency > 10 s",
    rule: "slow: when share(latency > 10s) > 5% -> rollback",
  },
  { source: "SOP", words: "p95 < 10 s", rule: "fast: expect p95(latency) < 10s for 30m -> hold" },
  {
    source: "SOP",
    words: "authentication failures > 5 % of attempts",
    rule: "auth: when auth_fail_rate > 5% min 20 events -> page",
  },
  { source: "OPS", words: "error rate exceeds 10 %", rule: "errors: when error_rate > 10% -> rollback" },
  {
    source: "OPS",
    words: "health check endpoints return 5xx",
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
    source: "FOCO",
    words: "error rate > 1 % for 5 minutes",
    rule: "errors: when error_rate > 1% for 5m -> rollback",
  },
  {
    source: "FOCO",
    words: "response time > 1 s (p95) for 10 minutes",
    rule: "slow: when share(latency > 1s) > 5% for 10m -> rollback",
  },
  {
    source: "FOCO",
    words: "error rate < 0.1 %",
    rule: "stage: expect error_rate < 0.1% for 30m -> fail-gate",
  },
  { source: "FOCO", words: "response time (p95) < 500 ms", rule: "api: expect p95(latency) < 500ms -> note" },
  { source: "FOCO", words: "page load < 2 s (p95)", rule: "pages: expect page_load_p95 < 2s -> note" },
  { source: "FOCO", words: "cache hit rate > 80 %", rule: "cache: expect cache_hit > 80% -> note" },
  {
    source: "FOCO",
    words: "database connections < 80 %",
    rule: "connections: when gauge(pg_conn) > 80% of max for 2m -> page",
  },
  {
    source: "FOCO",
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
  { source: "ROD", words: "CPU > 90 %", rule: "hot: when gauge(cpu) > 90% for 5m -> page" },
  {
    source: "ROD",
    words: "critical flow fails",
    rule: "checkout: when probe(checkout) fails for 3 of 3 -> rollback",
  },
  {
    source: "SOP",
    words: "database connection pool exhausted",
    rule: "pool: when gauge(pg_conn) >= 100% of max for 1m -> page",
  },
  {
    source: "OPS",
    words: '"Connection pool exhausted" errors',
    rule: "pool: when count(pool_exhausted) > 0 -> page",
  },
  { source: "FOCO", words: "no query failures", rule: "queries: when count(query_failures) > 0 -> hold" },
  {
    source: "FOCO",
    words: "response time < 100 ms average",
    rule: "average: expect response_mean < 100ms -> fail-gate",
  },
  {
    source: "FOCO",
    words: "API response < 100 ms (average)",
    rule: "api-average: expect api_response_mean < 100ms -> note",
  },
  {
    source: "FOCO",
    words: "no unauthorized access attempts",
    rule: "intruders: when count(unauthorized) > 0 -> hold",
  },
  {
    source: "FOCO",
    words: "error rate < 0.1 %, investigate immediately",
    rule: "target: expect error_rate < 0.1% -> page",
  },
  {
    source: "FOCO",
    words: "health check fails",
    rule: "health: when probe(health) fails for 3 of 3 -> rollback",
  },
  { source: "ROD", words: "error rate < 0.1 % baseline", rule: "few: expect error_rate < 0.1% -> note" },
  { source: "ROD", words: "P95 > 5 s", rule: "slower: when share(latency > 5s) > 5% -> note" },
  {
    source: "ROD",
    words: "P95, alert threshold > 10 s",
    rule: "slow-alert: when share(latency > 10s) > 5% -> page",
  },
  {
    source: "ROD",
    words: "database connections < 80 % pool",
    rule: "pool: expect gauge(pg_conn) < 80% of max -> note",
  },
  { source: "ROD", words: "CPU < 70 % baseline", rule: "cool: expect gauge(cpu) < 70% -> note" },
  {
    source: "ROD",
    words: "memory < 70 % baseline",
    rule: "roomy: expect gauge(memory) < 70% of max -> note",
  },
  { source: "ROD", words: "memory > 80 %", rule: "tight: when gauge(memory) > 80% of max for 5m -> note" },
  {
    source: "ROD",
    words: "memory > 90 %",
    rule: "out-of-memory: when gauge(memory) > 90% of max for 5m -> page",
  },
  {
    source: "ROD",
    words: "health endpoint fails",
    rule: "health: when probe(health) fails for 3 of 3 -> rollback",
  },
];
