import { describe, expect, it } from "vitest";
import {
  fillRelease,
  nameOnly,
  namesRelease,
  parseSelector,
  printSelector,
  selectorOf,
  selectorSchema,
  withoutRelease,
} from "../../../src/providers/signals/selector.ts";

describe("a selector", () => {
  it.each([
    ["up", "up"],
    ["job:http_requests:sum", "job:http_requests:sum"],
    [" up { } ", "up"],
    [`up{job="shop",}`, `up{job="shop"}`],
    [`up { job = 'sh"op' , status=~\`5\\d\\d\` }`, `up{job="sh\\"op", status=~"5\\\\d\\\\d"}`],
    [`{__name__="up", job!="shop"}`, `up{job!="shop"}`],
    [`{__name__=~"a|b", job!~"x.*"}`, `{__name__=~"a|b", job!~"x.*"}`],
    [`{"http.requests", "app.name"="shop"}`, `{__name__="http.requests", "app.name"="shop"}`],
    [`up{path="a\\nb\\\\"}`, `up{path="a\\nb\\\\"}`],
  ])("%s is read, and written as %s", (text, printed) => {
    expect(printSelector(selectorOf(text))).toBe(printed);
    expect(selectorOf(printed)).toEqual(selectorOf(text));
  });

  it.each([
    ["", 0, "expected the name of a metric"],
    ["sum(up)", 3, "expected the end, or {"],
    ["up[5m]", 2, "expected the end, or {"],
    [`up{job="shop"}[5m]`, 14, "something follows the selector"],
    [`up{job="shop"`, 13, "expected } or ,"],
    [`up{job "shop"}`, 7, "expected =, !=, =~ or !~"],
    [`up{job=shop}`, 7, "expected a value in quotes"],
    [`up{="shop"}`, 3, "expected the name of a label"],
    [`up{job="sh\\xop"}`, 7, "\\x is not known in a quoted text"],
    [`{job="shop"}`, 12, "it names no metric"],
  ])("%s is refused at %i: %s", (text, offset, message) => {
    expect(parseSelector(text)).toMatchObject({ problem: { offset, message } });
    expect(selectorSchema.safeParse(text).error?.issues).toMatchObject([{ message, params: { offset } }]);
  });

  it("takes a release in where it stands, as itself in a pattern", () => {
    const text = `up{release="{release}", version=~"v|{release}", job="x"}`;
    expect(printSelector(fillRelease(selectorOf(text), `1.2+"$&`))).toBe(
      `up{release="1.2+\\"$&", version=~"v|1\\\\.2\\\\+\\"\\\\$&", job="x"}`,
    );
    expect(namesRelease(selectorOf(text))).toBe(true);
    expect(printSelector(withoutRelease(selectorOf(text)))).toBe(`up{job="x"}`);
    expect(printSelector(nameOnly(selectorOf(text)))).toBe("up");
    expect(namesRelease(selectorOf("up"))).toBe(false);
  });
});
