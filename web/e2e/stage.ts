import type { BrowserContext, Page } from "playwright-core";
import { browser } from "./browser";
import { House } from "./house";
import { Watch } from "./watch";

/** Everything that one story opens, and what is watched meanwhile. */
export class Stage {
  readonly watch = new Watch();
  private readonly contexts: BrowserContext[] = [];

  /** A new organization whose owner is signed in, outside of the browser. */
  organization(name = "Atelier"): Promise<House> {
    return House.signUp(name);
  }

  /** A browser of its own: nothing is known of other stories, nor of anybody who is signed in. */
  async window(options: { width?: number; height?: number } = {}): Promise<BrowserContext> {
    const { width = 1440, height = 900 } = options;
    const context = await (await browser()).newContext({ baseURL: process.env.GATEWAY_URL!, viewport: { width, height }, reducedMotion: "reduce" });
    context.setDefaultTimeout(20_000);
    this.contexts.push(context);
    context.on("page", (page) => this.watch.on(page));
    return context;
  }

  /** The same, with the member of `house` signed in. */
  async windowOf(house: House): Promise<BrowserContext> {
    const context = await this.window();
    const session = await house.session();
    // Once: what the app writes there later stays.
    await context.addInitScript((value) => {
      if (!location.protocol.startsWith("http") || localStorage.getItem("sartiq.e2e") !== null) return;
      localStorage.setItem("sartiq.e2e", "signed in");
      localStorage.setItem("sartiq.session", value);
    }, JSON.stringify(session));
    return context;
  }

  /** A page of the app, as the member of `house` sees it. */
  async open(house: House, path: string): Promise<Page> {
    const page = await (await this.windowOf(house)).newPage();
    await page.goto(path);
    return page;
  }

  /** Fails if anything was said that nobody explained. */
  check(): void {
    const found = this.complaints();
    if (found.length > 0) throw new Error(`the browser complained ${found.length} times`);
  }

  complaints(): string[] {
    return this.watch.complaints();
  }

  /** Keeps what every open page looks like; answers where. */
  async photograph(path: string): Promise<string[]> {
    const pages = this.contexts.flatMap((it) => it.pages());
    const files = pages.map((page, index) => [page, `${path}-${index + 1}.png`] as const);
    await Promise.all(files.map(([page, file]) => page.screenshot({ path: file, timeout: 5_000 })));
    return files.map(([page, file]) => `${file}: ${page.url()}`);
  }

  async close(): Promise<void> {
    await Promise.all(this.contexts.map((it) => it.close()));
  }
}
