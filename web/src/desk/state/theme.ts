import { effect, signal } from "@preact/signals";

import { remember, remembered } from "./storage";

export type Theme = "dark" | "light";

const system = matchMedia("(prefers-color-scheme: light)");
const chosen = signal<string | null>(remembered("theme"));
const preferred = signal<Theme>(system.matches ? "light" : "dark");

export const theme = signal<Theme>("dark");

system.addEventListener("change", () => {
  preferred.value = system.matches ? "light" : "dark";
});

effect(() => {
  const wanted = chosen.value;
  theme.value = wanted === "dark" || wanted === "light" ? wanted : preferred.value;
  document.documentElement.dataset.theme = theme.value;
});

export function switchTheme(): void {
  chosen.value = theme.value === "dark" ? "light" : "dark";
  remember("theme", chosen.value);
}
