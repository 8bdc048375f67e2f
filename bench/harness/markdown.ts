import type { Section, Table } from "./section.ts";

/** A section as Markdown that also reads well in a terminal. */
export function markdown(section: Section): string {
  const goals = section.goals.map(({ text, reached }) => `- ${reached ? "reached" : "**missed**"}: ${text}`);
  return [
    section.conditions.map((line) => `- ${line}`).join("\n"),
    ...section.tables.map(tableText),
    ...(goals.length === 0 ? [] : [`Goals:\n\n${goals.join("\n")}`]),
  ]
    .filter((text) => text !== "")
    .join("\n\n");
}

/** The first column is text, the others are figures. */
function tableText({ caption, head, rows }: Table): string {
  const widths = head.map((name, column) => Math.max(3, name.length, ...rows.map((cells) => (cells[column] ?? "").length)));
  const pad = (text: string, column: number): string => (column === 0 ? text.padEnd(widths[column] as number) : text.padStart(widths[column] as number));
  const line = (cells: readonly string[]): string => `| ${head.map((_name, column) => pad(cells[column] ?? "", column)).join(" | ")} |`;
  const rule = `|${widths.map((width, column) => (column === 0 ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`)).join("|")}|`;
  return [...(caption === undefined ? [] : [`${caption}\n`]), line(head), rule, ...rows.map(line)].join("\n");
}
