import { computed, effect, signal } from "@preact/signals";

export const themes = ["system", "light", "dark"] as const;
export type Theme = (typeof themes)[number];

const KEY = "tminus-theme";

/** Kept in this browser. */
export const theme = signal<Theme>(stored());

const dark = matchMedia("(prefers-color-scheme: dark)");
const isSystemDark = signal(dark.matches);
dark.addEventListener("change", () => (isSystemDark.value = dark.matches));

/** What is shown now, for what does not follow the style sheet by itself. */
export const isDark = computed(() =>
  theme.value === "system" ? isSystemDark.value : theme.value === "dark",
);

effect(() => {
  const root = document.documentElement;
  root.style.colorScheme = theme.value === "system" ? "light dark" : theme.value;
  if (theme.value === "system") localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, theme.value);
});

function stored(): Theme {
  const kept = localStorage.getItem(KEY);
  return themes.find((known) => known === kept) ?? "system";
}
