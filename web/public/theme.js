// Before anything is painted, so that no page flashes in the other theme.
try {
  const theme = localStorage.getItem("sartiq.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Without storage the system's theme is shown.
}
