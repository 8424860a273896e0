import type { Page, Route } from "playwright-core";
import { eventually } from "./eventually";
import { intercept } from "./intercept";

/** `sent`: the server never gets to know of the request. `done`: it has done it, but nobody hears the answer. */
export type Moment = "sent" | "done";

/**
 * Does `act`, and reloads `page` while a request that fits `pattern` is on its way: once for each of `moments`. What the
 * page asks by itself after a reload is caught by the next moment.
 */
export async function reloadAmid(page: Page, pattern: RegExp, moments: Moment[], act: () => Promise<void>): Promise<void> {
  let moment: Moment | undefined;
  let caught: () => void = () => undefined;
  // It stays until the last reload is over: without it the browser would let go on what is held.
  const hold = async (route: Route) => {
    if (!moment) return route.continue();
    if (moment === "done") await route.fetch();
    caught();
  };
  await intercept(page, pattern, hold);
  let next = act;
  for (const it of moments) {
    moment = it;
    let isCaught = false;
    caught = () => (isCaught = true);
    await next();
    await eventually(`a request that fits ${pattern} is on its way (${it})`, () => isCaught);
    next = () => page.reload({ waitUntil: "commit" }).then(() => undefined);
  }
  moment = undefined;
  await next();
  await page.unroute(pattern, hold);
}
