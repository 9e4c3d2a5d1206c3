import type { ComponentChildren } from "preact";
import type { Mark } from "../../src/report/run-marks.ts";
import type { ApiError } from "../api/client.ts";

/** A state: its sign, its word and its colour, never the colour alone. */
export function StateMark({ icon, word, paint }: Mark) {
  return (
    <span class={`mark ${paint}`}>
      <span class="icon" aria-hidden="true">
        {icon}
      </span>{" "}
      {word}
    </span>
  );
}

/** A moment in the reader's own time; UTC when pointed at. */
export function Time({ at, isTimeOnly = false }: { at: Date | string | number; isTimeOnly?: boolean }) {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return <span>an unknown time</span>;
  const iso = date.toISOString();
  const isToday = date.toDateString() === new Date().toDateString();
  return (
    <time dateTime={iso} title={`${iso.slice(0, 19).replace("T", " ")} UTC`}>
      {isTimeOnly || isToday ? clockOf(date) : `${dayOf(date)} ${clockOf(date)}`}
    </time>
  );
}

/** "14:02:41" in the reader's own time. */
export function clockText(ms: number): string {
  return clockOf(new Date(ms));
}

// By hand: loading the browser's own formatter takes a slow phone a tenth of a second.
function clockOf(date: Date): string {
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
}

function dayOf(date: Date): string {
  return [date.getFullYear(), date.getMonth() + 1, date.getDate()].map(two).join("-");
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

interface PanelProps {
  title: string;
  children: ComponentChildren;
  class?: string;
  aside?: ComponentChildren;
}

export function Panel({ title, children, aside, class: name = "" }: PanelProps) {
  return (
    <section class={`panel ${name}`} aria-label={title}>
      <header class="panel-head">
        <h2>{title}</h2>
        {aside !== undefined && <div class="aside">{aside}</div>}
      </header>
      {children}
    </section>
  );
}

/** What went wrong, and what to do next. */
export function Problem({ error }: { error: ApiError | undefined }) {
  if (error === undefined) return null;
  return (
    <div class="problem" role="alert">
      <strong>
        <span aria-hidden="true">✗ </span>
        {error.message}
      </strong>
      <p>
        {error.hint} <code>{error.code}</code>
      </p>
    </div>
  );
}

/** In place of what has not come yet, or is not there. */
export function Quiet({ children }: { children: ComponentChildren }) {
  return <p class="quiet">{children}</p>;
}

export function Title({ children, aside }: { children: ComponentChildren; aside?: ComponentChildren }) {
  return (
    <div class="page-head">
      <h1>{children}</h1>
      {aside}
    </div>
  );
}
