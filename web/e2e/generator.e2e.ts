import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { Generation_State as State } from "~/api/gen/sartiq/generation/v1/generation_pb";
import { eventually } from "./eventually";
import type { House, Studio } from "./house";
import { intercept } from "./intercept";
import { story } from "./runner";
import { during, type Rule } from "./sandbox";

const ENDED = [State.COMPLETED, State.FAILED, State.CANCELLED];
const EDIT = { operation: "submit", endpoint: "*/edit" };
/** Half of the pictures take longer, so that they come one by one; all take long enough for one to be stopped. */
const UNEVEN: Rule[] = [
  { match: EDIT, fault: { kind: "slow_work", ms: 1_500 } },
  { match: { ...EDIT, probability: 0.5 }, fault: { kind: "slow_work", ms: 4_000 } },
];

const generate = (page: Page) => page.getByRole("button", { name: /^Generate/ });
const tiles = (page: Page, state: string) => page.getByRole("grid", { name: "Pictures by shot" }).locator(`[role=gridcell][data-state=${state}]`);
const generatorOf = (studio: Studio) => `/shootings/${studio.shootingId}/generate`;

async function runsOf(house: House, studio: Studio) {
  return (await house.generations.listGenerations({ shootingId: studio.shootingId, pageSize: 200 })).generations;
}

function allEnd(house: House, studio: Studio): Promise<void> {
  return eventually("all runs end", async () => {
    const runs = await runsOf(house, studio);
    return runs.length > 0 && runs.every((it) => ENDED.includes(it.state));
  }, 60_000);
}

/** Waits until the button can be pressed: the price is known, and nothing is in the way. */
async function ready(page: Page, pictures: string): Promise<void> {
  const button = page.getByRole("button", { name: `Generate ${pictures}`, exact: true });
  await button.waitFor();
  await eventually("it can be started", async () => (await button.getAttribute("aria-disabled")) !== "true");
}

story("B-14 a double click on Generate starts each run once", async (stage) => {
  const house = await stage.organization();
  const studio = await house.studio(1, 2);
  const page = await stage.open(house, generatorOf(studio));
  await ready(page, "2 pictures");
  assert.match(await page.getByTestId("price").innerText(), /\$\d/, "the price is there before anything starts");
  let asked = 0;
  page.on("request", (it) => (asked += Number(it.url().includes("BatchStartGenerations"))));
  await generate(page).dblclick();
  await eventually("a tile for each picture", async () => (await page.getByRole("gridcell").count()) === 2, 5_000);
  await allEnd(house, studio);
  const runs = await runsOf(house, studio);
  assert.deepEqual(runs.map((it) => it.shotId).sort(), studio.shots.map((it) => it.id).sort(), "one run for each shot");
  await eventually("both pictures are shown", async () => (await tiles(page, "ready").count()) === 2);
  assert.equal(asked, 1, "the server was asked once");
});

story("B-15 tiles fill one by one from the stream; one picture is stopped, the others go on", async (stage) => {
  const house = await stage.organization();
  const studio = await house.studio(1, 3);
  const page = await stage.open(house, generatorOf(studio));
  await page.getByLabel("Pictures of each shot").selectOption("3");
  await ready(page, "9 pictures");
  const counts = new Set<number>();
  const said = new Set<string>();
  await during(UNEVEN, async () => {
    await generate(page).click();
    await eventually("a tile for each picture, at once", async () => (await page.getByRole("gridcell").count()) === 9, 5_000);
    await page.getByRole("button", { name: "Stop Shirt 1, Small 2, picture 1" }).click();
    await eventually("all have ended", async () => {
      counts.add(await tiles(page, "ready").count());
      for (const label of await page.getByRole("gridcell").evaluateAll((all) => all.map((it) => it.getAttribute("aria-label") ?? ""))) {
        said.add(label.split(": ")[1] ?? "");
      }
      const open = await page.getByRole("grid", { name: "Pictures by shot" }).locator("[data-state=expected], [data-state=rendering], [data-state=post_processing]").count();
      return open === 0;
    }, 60_000);
  });
  assert.ok(counts.size >= 3, `they came one by one: ${[...counts].join(" ")}`);
  assert.ok([...said].some((it) => /Rendering \d+ %|Waiting, \d+ before it/.test(it)), `they said how far they are: ${[...said].join("; ")}`);
  await allEnd(house, studio);
  const runs = await runsOf(house, studio);
  const ended = studio.shots.map((shot) => runs.find((it) => it.shotId === shot.id)!);
  assert.deepEqual(ended.map((it) => [it.state, it.readyCount]), [[State.COMPLETED, 3], [State.COMPLETED, 2], [State.COMPLETED, 3]]);
  await eventually("all but one are there", async () => (await tiles(page, "ready").count()) === 8);
  await page.getByRole("gridcell", { name: "Shirt 1, Small 2, picture 1: Stopped" }).waitFor();
});

story("B-16 a reload and a second tab in the middle of it: the same progress, and no tile is stuck", async (stage) => {
  const house = await stage.organization();
  const studio = await house.studio(1, 2);
  const context = await stage.windowOf(house);
  const first = await context.newPage();
  await first.goto(`${generatorOf(studio)}?variants=2`);
  await ready(first, "4 pictures");
  const summary = (page: Page) => page.getByRole("region", { name: "Pictures", exact: true }).getByText(/pictures? ready/).first().innerText();
  await during(UNEVEN, async () => {
    await generate(first).click();
    await eventually("tiles, at once", async () => (await first.getByRole("gridcell").count()) === 4, 5_000);
    await eventually("both runs are accepted", async () => (await runsOf(house, studio)).length === 2);
    await first.reload();
    const second = await context.newPage();
    const other = await stage.open(house, generatorOf(studio));
    await second.goto(generatorOf(studio));
    const pages = [first, second, other];
    for (const page of pages) {
      await eventually(`the tiles are back in ${page.url()}`, async () => (await page.getByRole("gridcell").count()) === 4);
    }
    /** Every tile and the bar above them, as a page shows them. */
    const shown = async (page: Page) => [
      ...(await page.getByRole("gridcell").evaluateAll((all) => all.map((it) => `${it.closest("[role=row]")!.getAttribute("aria-label")}: ${(it as HTMLElement).dataset.state}`))),
      ...(await page.getByRole("progressbar", { name: "All pictures being made" }).evaluateAll((all) => all.map((it) => it.getAttribute("aria-valuenow")))),
      await summary(page),
    ].join("; ");
    await eventually("all show the same progress", async () => new Set(await Promise.all(pages.map(shown))).size === 1);
    // At a bad moment once more: while pictures arrive.
    await eventually("the first picture is there", async () => (await tiles(second, "ready").count()) > 0, 60_000);
    await first.reload();
    await allEnd(house, studio);
    for (const [index, page] of pages.entries()) {
      await eventually(`no tile of page ${index + 1} is stuck`, async () => (await tiles(page, "ready").count()) === 4);
      await eventually("the sum says so, too", async () => (await summary(page)) === "4 pictures ready");
    }
  });
});

story("G-1 the price is known before the start, follows what is chosen, and is not exceeded", async (stage) => {
  const house = await stage.organization();
  const studio = await house.studio(2, 2);
  const page = await stage.open(house, generatorOf(studio));
  const price = async () => Number((await page.getByTestId("price").innerText()).replace("$", ""));
  await ready(page, "4 pictures");
  const four = await price();
  await page.getByLabel("Pictures of each shot").selectOption("2");
  await ready(page, "8 pictures");
  const eight = await price();
  await page.getByRole("checkbox", { name: "Shirt 2", exact: true }).uncheck();
  await ready(page, "4 pictures");
  const half = await price();
  assert.ok(four > 0 && four < eight && Math.abs(half * 2 - eight) < 0.01, `the price follows: ${four} ${eight} ${half}`);
  await page.getByRole("checkbox", { name: "Shirt 1", exact: true }).uncheck();
  await page.getByText("Choose shots.", { exact: true }).waitFor();
  assert.equal(await generate(page).getAttribute("aria-disabled"), "true", "nothing is started for nothing");
  await page.getByRole("checkbox", { name: "Small 1 of Shirt 1" }).check();
  await ready(page, "2 pictures");
  const two = await price();
  assert.deepEqual(await runsOf(house, studio), [], "asking for a price starts nothing");

  // From the keyboard, too.
  await page.keyboard.press("Control+Enter");
  await eventually("a tile for each picture", async () => (await page.getByRole("gridcell").count()) === 2, 5_000);
  await allEnd(house, studio);
  const spent = page.getByRole("region", { name: "Pictures", exact: true }).getByText(/spent$/);
  await eventually("it says what it cost", async () => /\$0\.\d*[1-9]/.test(await spent.innerText()));
  const cost = Number(/\$([\d.]+)/.exec(await spent.innerText())![1]);
  assert.ok(cost > 0 && cost <= two, `it cost ${cost} of ${two}`);
  const [run] = await runsOf(house, studio);
  assert.equal((Number(run!.cost!.micros) / 1e6).toFixed(2), cost.toFixed(2), "as the server says");

  // Each run has a page of its own, that the history leads to.
  await page.getByText(/^History/).click();
  await page.getByRole("link", { name: "Run of Shirt 1, Small 1" }).click();
  await page.getByRole("heading", { name: "Shirt 1", level: 1 }).waitFor();
  await page.getByRole("region", { name: "Steps" }).getByRole("row").nth(1).waitFor();
});

story("G-2 a start that was cut is sent again wherever the app is opened next, and is done once", async (stage) => {
  const house = await stage.organization();
  const studio = await house.studio(1, 2);
  const context = await stage.windowOf(house);
  const bodies: string[] = [];
  context.on("request", (it) => {
    if (it.url().includes("BatchStartGenerations")) bodies.push(it.postDataBuffer()?.toString("hex") ?? "");
  });
  const page = await context.newPage();
  await page.goto(generatorOf(studio));
  await ready(page, "2 pictures");
  let held = 0;
  await intercept(page, /BatchStartGenerations/, async (route) => {
    // The server never gets the first one. It does what the second one asks, but nobody hears the answer.
    if (held === 1) await route.fetch();
    held += 1;
  });
  await generate(page).click();
  await eventually("it is on its way", () => held === 1);
  await page.goto("/products");
  await eventually("it is sent again from another page", () => held === 2);
  await page.close();
  const other = await context.newPage();
  await other.goto("/settings/profile");
  await other.getByRole("status", { name: "Notices" }).getByText("2 runs started.").waitFor();
  assert.equal(bodies.length, 3);
  assert.equal(new Set(bodies).size, 1, "each time as the same request");
  const runs = await runsOf(house, studio);
  assert.deepEqual(runs.map((it) => it.shotId).sort(), studio.shots.map((it) => it.id).sort(), "one run for each shot");
  await other.reload();
  await other.getByRole("heading", { level: 1 }).waitFor();
  assert.equal(bodies.length, 3, "what was answered is not sent any more");
});
