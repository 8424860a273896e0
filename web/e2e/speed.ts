import type { Page } from "playwright-core";

/**
 * Presses `key`, which decides about the shot at hand; answers how many milliseconds later the picture of the
 * next one was painted, by the page's own clock.
 */
export async function measure(page: Page, key: string): Promise<number> {
  // What is measured starts to listen before the key is pressed, and ends after it.
  const watch = await page.evaluateHandle((key) => {
    const before = document.querySelector("h1")?.textContent;
    const painted = new Promise<number>((resolve) => {
      const look = (since: number) => {
        const title = document.querySelector("h1")?.textContent;
        const pictures = [...document.querySelectorAll<HTMLImageElement>("main img[data-shown]")];
        const isThere = pictures.some((it) => it.alt.startsWith(`${title}, variant`) && it.complete && it.naturalWidth > 0);
        if (title !== before && isThere) requestAnimationFrame(() => resolve(performance.now() - since));
        else requestAnimationFrame(() => look(since));
      };
      const begin = (event: KeyboardEvent) => {
        if (event.key !== key) return;
        window.removeEventListener("keydown", begin, true);
        look(event.timeStamp);
      };
      window.addEventListener("keydown", begin, true);
    });
    return { painted };
  }, key);
  await page.keyboard.press(key);
  const time = await watch.evaluate(({ painted }) => painted);
  await watch.dispose();
  return time;
}
