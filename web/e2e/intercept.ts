import type { Page, Route } from "playwright-core";
import { eventually } from "./eventually";

const PROBE = "/icon.svg?is-it-intercepted";

/**
 * Hands what `page` asks for and fits `pattern` to `handler`. A page that is open already lets requests pass for a moment
 * after the browser says that they are intercepted: it is waited for.
 */
export async function intercept(page: Page, pattern: RegExp, handler: (route: Route) => Promise<void>): Promise<void> {
  await page.route(pattern, handler);
  const answer = (route: Route) => route.fulfill({ body: PROBE });
  const isProbe = (url: URL) => url.href.endsWith(PROBE);
  await page.route(isProbe, answer);
  await eventually("requests are intercepted", () => page.evaluate(async (it) => (await (await fetch(it)).text()) === it, PROBE));
  await page.unroute(isProbe, answer);
}
