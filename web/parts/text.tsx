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
      {isTimeOnly || isToday ? clock.format(date) : `${day.format(date)} ${clock.format(date)}`}
    </time>
  );
}

/** "14:02:41" in the reader's own time. */
export function clockText(ms: number): string {
  return clock.format(ms);
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat("en-CA", { year: "numeric", month: "2-digit", day: "2-digit" });

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
