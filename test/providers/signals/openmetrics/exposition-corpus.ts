import type { ExpositionFormat } from "../../../../src/providers/signals/openmetrics/exposition.ts";

export interface CorpusText {
  name: string;
  format: ExpositionFormat;
  text: string;
}

const openmetrics = (name: string, text: string): CorpusText => ({ name, format: "openmetrics", text });
const prometheus = (name: string, text: string): CorpusText => ({ name, format: "prometheus", text });

/** Valid texts; those of OpenMetrics are shaped as the examples of its specification. */
export const VALID: readonly CorpusText[] = [
  openmetrics(
    "a complete exposition",
    `# TYPE app_router_request_seconds summary
# UNIT app_router_request_seconds seconds
# HELP app_router_request_seconds Latency through all of the app's HTTP request router.
app_router_request_seconds_sum{path="/api/v1",method="GET"} 9036.32
app_router_request_seconds_count{path="/api/v1",method="GET"} 807283.0
app_router_request_seconds_created{path="/api/v1",method="GET"} 1605281325.0
# TYPE go_goroutines gauge
# HELP go_goroutines Number of goroutines that currently exist.
go_goroutines 69
# TYPE process_cpu_seconds counter
# UNIT process_cpu_seconds seconds
# HELP process_cpu_seconds Total user and system CPU time spent in seconds.
process_cpu_seconds_total 4.20072246e+06
# EOF
`,
  ),
  openmetrics("no line feed at the end", "# TYPE foo counter\nfoo_total 17.0\n# EOF"),
  openmetrics("nothing", "# EOF\n"),
  openmetrics("a family without metrics", "# TYPE foo gauge\n# EOF\n"),
  openmetrics("empty braces", "bar_seconds_count{} 0\n# EOF\n"),
  openmetrics("escapes", 'bar_seconds_count{a="x",b="escaping\\" example \\n \\\\ "} 0\n# EOF\n'),
  openmetrics(
    "a state set",
    '# TYPE foo stateset\nfoo{foo="a"} 0\nfoo{foo="bb"} 1\nfoo{foo="ccc"} 0\n# EOF\n',
  ),
  openmetrics("an info", '# TYPE foo info\nfoo_info{name="pretty name",version="8.2.7"} 1\n# EOF\n'),
  openmetrics("an unknown", "# TYPE foo unknown\nfoo 42.23\n# EOF\n"),
  openmetrics(
    "a histogram with bounds in every form",
    `# TYPE foo histogram
foo_bucket{le="0.0"} 0
foo_bucket{le="1e-05"} 0
foo_bucket{le="0.1"} 8
foo_bucket{le="1.0"} 10
foo_bucket{le="1e+06"} 15
foo_bucket{le="+Inf"} 17
foo_count 17
foo_sum 324789.3
foo_created 1520430000.123
# EOF
`,
  ),
  openmetrics(
    "exemplars",
    `# TYPE foo histogram
foo_bucket{le="0.01"} 0
foo_bucket{le="0.1"} 8 # {} 0.054
foo_bucket{le="1"} 11 # {trace_id="KOO5S4vxi0o"} 0.67
foo_bucket{le="10"} 17 # {trace_id="oHg5SJYRHA0"} 9.8 1520879607.789
foo_bucket{le="+Inf"} 17
foo_count 17
foo_sum 324789.3
# EOF
`,
  ),
  openmetrics(
    "numbers",
    '# TYPE foo gauge\nfoo{a="1"} 0042\nfoo{a="2"} -1.89e-7\nfoo{a="3"} +Inf\nfoo{a="4"} -Inf\nfoo{a="5"} NaN\n# EOF\n',
  ),
  prometheus(
    "comments, blanks and empty lines",
    `# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027
http_requests_total{method="post",code="400",}    3

# a comment, and not a description
#TYPE not_a_type gauge
with_blanks{ a = "x" , b = "y" }   1.5
`,
  ),
  prometheus(
    "escapes",
    'msdos_file_access_time_seconds{path="C:\\\\DIR\\\\FILE.TXT",error="Cannot find file:\\n\\"FILE.TXT\\""} 1.458255915e9\n',
  ),
  prometheus("no labels and no type", "metric_without_timestamp_and_labels 12.47\n"),
  prometheus("infinite values", 'something_weird{problem="division by zero"} +Inf\nother -Inf\nnan NaN\n'),
  prometheus("a brace and a hash in a label", 'odd{a="} # {",b="=,"} 1\n'),
  prometheus("letters of the world", 'odd{a="Ünïcödé 🚢"} 1\n'),
];

/** Texts that are no exposition, and what is wrong with them. */
export const INVALID: readonly (CorpusText & { problem: string })[] = [
  { ...prometheus("an unfinished line", 'up{job="a"} 1\nup{job="b"'), problem: "line 2 is cut off" },
  {
    ...prometheus("JSON", '{"status":"success"}\n'),
    problem: "line 1 does not begin with the name of a metric",
  },
  {
    ...prometheus("HTML", "<!doctype html>\n<p>hello</p>\n"),
    problem: "line 1 does not begin with the name of a metric",
  },
  { ...prometheus("no value", "up\n"), problem: "line 1 has no value" },
  { ...prometheus("a word as a value", "up yes\n"), problem: "line 1 has a value that is no number" },
  { ...prometheus("a label without quotes", "up{job=a} 1\n"), problem: "line 1 has labels that are none" },
  { ...prometheus("an open label", 'up{job="a} 1\n'), problem: "line 1 has labels that are none" },
  { ...prometheus("a label without a value", "up{job} 1\n"), problem: "line 1 has labels that are none" },
  { ...prometheus("a time with a fraction", "up 1 15.5\n"), problem: "line 1 has a time that is none" },
  { ...prometheus("something after the time", "up 1 15 16\n"), problem: "line 1 goes on after its value" },
  {
    ...openmetrics("no end", "# TYPE foo counter\nfoo_total 17.0\n"),
    problem: 'line 3 is not "# EOF", so that the end is missing',
  },
  { ...openmetrics("something after the end", "# EOF\nfoo 1\n"), problem: 'line 2 follows "# EOF"' },
  {
    ...openmetrics("an empty line", "foo 1\n\n# EOF\n"),
    problem: "line 2 does not begin with the name of a metric",
  },
  {
    ...openmetrics("a comment", "# hello\n# EOF\n"),
    problem: "line 1 is neither a description nor a sample",
  },
  {
    ...openmetrics("an exemplar without labels", 'foo_bucket{le="1"} 1 # 0.5\n# EOF\n'),
    problem: "line 1 goes on after its value",
  },
];
