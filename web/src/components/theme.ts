import { createStore } from "~/lib/store";

export type Theme = "system" | "light" | "dark";

const stored = localStorage.getItem("sartiq.theme");
export const theme = createStore<Theme>(stored === "light" || stored === "dark" ? stored : "system");

theme.subscribe(() => {
  const value = theme.get();
  if (value === "system") {
    delete document.documentElement.dataset["theme"];
    localStorage.removeItem("sartiq.theme");
  } else {
    document.documentElement.dataset["theme"] = value;
    localStorage.setItem("sartiq.theme", value);
  }
});
