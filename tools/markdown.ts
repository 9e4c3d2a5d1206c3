/** What each generated page says of itself. */
const GENERATED = "<!-- Written by npm run docs. Change the source, not this file. -->";

/** A generated page; each line is one line of it. */
export function page(title: string, lines: readonly string[]): string {
  return [GENERATED, "", `# ${title}`, "", ...lines, ""].join("\n");
}

/** Lines of a table. Cells are Markdown; what would end a cell or its row is escaped. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)];
}
