import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { Page } from "playwright-core";
import { eventually } from "./eventually";
import type { House } from "./house";
import { intercept } from "./intercept";
import { story } from "./runner";
import { Wire } from "./wire";

interface Seen { id: string; source: string; position: number }

/** Keeps every lasting event that the app hands out on `page`, from its first moment on. */
async function listen(page: Page): Promise<() => Promise<Seen[]>> {
  await page.addInitScript(() => {
    const seen: unknown[] = [];
    Object.assign(window, { seen });
    window.addEventListener("sartiq:event", (event) => seen.push((event as CustomEvent).detail));
  });
  return () => page.evaluate(() => (window as unknown as { seen: Seen[] }).seen);
}

/** All events after `cursor`, as the server tells them to somebody who asks. */
async function told(house: House, cursor: string): Promise<Seen[]> {
  const found: Seen[] = [];
  for (let at = cursor; ; ) {
    const { events, cursor: next } = await house.events.poll({ cursor: at });
    found.push(...events.map((it) => ({ id: it.id, source: it.source, position: Number(it.position) })));
    if (events.length === 0) return found.filter((it) => it.position > 0);
    at = next;
  }
}

story("B-17 the event stream is cut twenty times: no event is lost, none comes twice", async (stage) => {
  const house = await stage.organization();
  const wire = await Wire.lay();
  stage.watch.expect(/EventService\/Subscribe/);
  try {
    const context = await stage.windowOf(house);
    const pages = [await context.newPage(), await context.newPage()] as const;
    const heard = await Promise.all(pages.map(listen));
    for (const page of pages) {
      await page.goto(`${wire.url}/products`);
      await page.getByRole("status", { name: "Connection: Live" }).waitFor();
    }
    const { cursor } = await house.events.poll({});
    let made = 0;
    let goesOn = true;
    const make = async () => {
      for (; goesOn; made += 1) {
        await house.products.createProduct({ requestId: randomUUID(), product: { name: `Shirt ${made}` } });
        await new Promise((resolve) => setTimeout(resolve, 60));
      }
    };
    const making = make();
    while (wire.cuts < 20) {
      await eventually("the stream is there again", () => wire.isStreaming, 20_000);
      // Sometimes in the middle of much, sometimes before anything came.
      await new Promise((resolve) => setTimeout(resolve, (wire.cuts % 4) * 120));
      wire.cut();
    }
    goesOn = false;
    await making;
    const events = (await told(house, cursor)).filter((it) => it.source === "catalog");
    assert.ok(events.length >= made && made > 20, `there was something to lose: ${made}`);
    const last = events.at(-1)!;
    for (const [index, page] of pages.entries()) {
      const catalog = async () => (await heard[index]!()).filter((it) => it.source === "catalog" && it.position >= events[0]!.position);
      await eventually("the last event is there", async () => (await catalog()).some((it) => it.id === last.id), 30_000);
      assert.deepEqual((await catalog()).map((it) => it.id), events.map((it) => it.id), `tab ${index + 1} was told each event once, in order`);
      await page.getByRole("status", { name: /Connection: Live/ }).waitFor();
      await page.getByRole("link", { name: new RegExp(`Shirt ${made - 1}\\b`) }).first().waitFor();
    }
  } finally {
    wire.take();
  }
});

story("E-1 far away, where each read takes longer than the time between two events, what happens is shown while it happens", async (stage) => {
  const house = await stage.organization();
  const page = await stage.open(house, "/products");
  await page.getByRole("heading", { name: "No products yet" }).waitFor();
  await intercept(page, /ProductService\/ListProducts/, async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 700));
    await route.continue().catch(() => undefined);
  });
  let goesOn = true;
  const make = async () => {
    for (let made = 1; goesOn; made += 1) {
      await house.products.createProduct({ requestId: randomUUID(), product: { name: `Shirt ${made}` } });
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
  };
  const making = make();
  try {
    for (const number of [1, 20]) await page.getByRole("link", { name: new RegExp(`Shirt ${number}\\b`) }).first().waitFor();
  } finally {
    goesOn = false;
    await making;
  }
});
