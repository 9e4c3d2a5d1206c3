import { describe, expect, it } from "vitest";
import { commandFor } from "../../src/lib/open-browser.ts";

const URL = "http://127.0.0.1:7474";

describe("a person's browser", () => {
  it("is opened where there is a display, and nowhere else", () => {
    expect(commandFor(URL, {}, "linux")).toBeUndefined();
    expect(commandFor(URL, { DISPLAY: "" }, "linux")).toBeUndefined();
    expect(commandFor(URL, { DISPLAY: ":0" }, "linux")).toEqual(["xdg-open", URL]);
    expect(commandFor(URL, { WAYLAND_DISPLAY: "wayland-0" }, "linux")).toEqual(["xdg-open", URL]);
    expect(commandFor(URL, {}, "darwin")).toEqual(["open", URL]);
  });
});
