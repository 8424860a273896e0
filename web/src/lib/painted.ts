/** A page that is not looked at is not painted: what waits for it waits no longer than this. */
const LATEST_MS = 250;

/**
 * Resolves once what was just changed is on the screen. What answers to a key and is not seen by itself is done after it, so
 * that it does not stand in the way of what is.
 */
export function painted(): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, LATEST_MS);
    // The first frame paints the change; when the second begins, that has been shown.
    requestAnimationFrame(() => requestAnimationFrame(() => {
      clearTimeout(timer);
      setTimeout(resolve);
    }));
  });
}
