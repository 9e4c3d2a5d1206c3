import { styleText } from "node:util";
import { plainStyle, type Paint, type Style } from "../../report/text.ts";

/** Colours by the terminal's own palette. */
const colouredStyle: Style = {
  bold: (text) => paint("bold", text),
  dim: (text) => paint("dim", text),
  red: (text) => paint("red", text),
  green: (text) => paint("green", text),
  yellow: (text) => paint("yellow", text),
  cyan: (text) => paint("cyan", text),
};

/** Colours only for a terminal that has them and a person who wants them (https://no-color.org). */
export function styleFor(
  isTty: boolean,
  wanted: boolean,
  environment: Readonly<Record<string, string | undefined>>,
): Style {
  const isRefused = (environment.NO_COLOR ?? "") !== "" || environment.TERM === "dumb";
  return isTty && wanted && !isRefused ? colouredStyle : plainStyle;
}

function paint(name: Paint, text: string): string {
  return styleText(name, text, { validateStream: false });
}
