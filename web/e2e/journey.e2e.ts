import assert from "node:assert/strict";
import type { BrowserContext, Page } from "playwright-core";
import { Decision_Kind as Kind } from "~/api/gen/sartiq/shooting/v1/decision_pb";
import { Shot_State } from "~/api/gen/sartiq/shooting/v1/shot_pb";
import { drop } from "./drop";
import { eventually } from "./eventually";
import type { House } from "./house";
import { intercept } from "./intercept";
import { print, type Photo } from "./photos";
import { reloadAmid } from "./reload";
import { story } from "./runner";
import { during } from "./sandbox";
import { save, unzip } from "./zip";

const COUNT = 6;
const rail = (page: Page, name: string) => page.getByRole("navigation", { name: "Main" }).getByRole("link", { name, exact: true });
const title = (page: Page) => page.getByRole("heading", { level: 1 });
const cells = (page: Page) => page.getByRole("gridcell");

/** Drops photos whose names say which product they show, and accepts what is proposed. */
async function bring(page: Page, photos: Photo[]): Promise<void> {
  await drop(page, photos);
  await page.getByRole("dialog", { name: `Add ${COUNT} photos` }).getByRole("button", { name: `Add to ${COUNT} products` }).click();
}

/** Drops photos, and reloads when some are stored and the others are on their way; then drops the same again. */
async function upload(page: Page, house: House): Promise<void> {
  const photos = (await print(COUNT)).map((it, index) => ({ ...it, name: `SHIRT-0${index + 1}_front.jpg` }));
  let sent = 0;
  await intercept(page, new RegExp(`^${process.env.S3_PUBLIC_URL!}`), async (route) => {
    // Held until the page is gone: the store never gets them.
    if (route.request().method() !== "PUT" || (sent += 1) <= COUNT / 2) await route.continue();
  });
  await bring(page, photos);
  await page.getByRole("region", { name: "Uploads" }).getByText(`${COUNT / 2} of ${COUNT} files stored`).waitFor();
  await eventually("the others are on their way", () => sent > COUNT / 2);
  const asked = page.waitForEvent("dialog").then(async (it) => {
    await it.accept();
    return it.type();
  });
  await page.reload();
  assert.equal(await asked, "beforeunload", "whoever leaves while files are on their way is asked");
  await page.unrouteAll();
  await eventually("what was stored is there", async () => (await page.getByRole("main").getByRole("link", { name: /SHIRT-0/ }).count()) === COUNT / 2);
  await bring(page, photos);
  await page.getByRole("status").filter({ hasText: `Uploads ended: ${COUNT} of ${COUNT} files stored` }).waitFor({ state: "attached", timeout: 60_000 });
  const { products } = await house.products.listProducts({ pageSize: 200 });
  assert.deepEqual(products.map((it) => it.sku).sort(), photos.map((it) => it.name.split("_")[0]), "each product is there once");
  assert.ok(products.every((it) => it.photos.length === 1), "with one photo");
  assert.equal(new Set(products.map((it) => it.photos[0]!.mediaId)).size, COUNT);
}

async function compose(page: Page): Promise<string> {
  await rail(page, "Shootings").click();
  await page.getByRole("button", { name: "New shooting" }).first().click();
  await page.getByRole("dialog").getByLabel("Name").fill("Summer");
  await page.getByRole("dialog").getByRole("button", { name: "Create", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Add looks" });
  for (let index = 1; index <= COUNT; index += 1) await dialog.getByRole("button", { name: `SHIRT-0${index}`, exact: true }).click();
  for (const other of await dialog.getByRole("checkbox", { checked: true }).all()) await other.uncheck();
  await dialog.getByRole("checkbox", { name: /^Small 1/ }).check();
  await dialog.getByRole("button", { name: `Add ${COUNT} looks` }).click();
  await page.getByText(`${COUNT} looks, ${COUNT} shots`).waitFor();
  return /shootings\/([0-9a-f-]{36})/.exec(page.url())![1]!;
}

/** Generates, with reloads right after the button was pressed and while the tiles fill. */
async function generate(page: Page, second: Page, house: House, shootingId: string): Promise<void> {
  const runs = async () => (await house.generations.listGenerations({ shootingId, pageSize: 200 })).generations;
  const ready = (page: Page) => page.getByRole("grid", { name: "Pictures by shot" }).locator("[data-state=ready]");
  await page.getByRole("link", { name: "Generate", exact: true }).first().click();
  const button = page.getByRole("button", { name: `Generate ${COUNT} pictures`, exact: true });
  await button.waitFor();
  await eventually("it can be started", async () => (await button.getAttribute("aria-disabled")) !== "true");
  await during({ match: { operation: "submit", endpoint: "*/edit", probability: 0.5 }, fault: { kind: "slow_work", ms: 4_000 } }, async () => {
    await reloadAmid(page, /BatchStartGenerations/, ["sent", "done"], () => button.click());
    await eventually("a tile for each picture", async () => (await cells(page).count()) === COUNT);
    await second.goto(`/shootings/${shootingId}/generate`);
    await eventually("the first picture is there", async () => (await ready(page).count()) > 0, 60_000);
    await page.reload();
    for (const tab of [page, second]) await tab.getByText(`${COUNT} pictures ready`).first().waitFor({ timeout: 60_000 });
  });
  assert.equal((await runs()).length, COUNT, "each shot was started once");
}

/** Waits until the picture of the shot at hand is there. */
async function settled(page: Page): Promise<string> {
  await page.getByRole("button", { name: "Approve", exact: true }).waitFor();
  const name = await title(page).innerText();
  await page.getByRole("main").getByRole("img", { name: new RegExp(`${name}, variant 1`) }).first().waitFor();
  return name;
}

/** Decides all shots from the keyboard, with reloads right after the first two keys. */
async function decide(page: Page, second: Page, house: House, shootingId: string): Promise<void> {
  await page.getByRole("link", { name: "Review", exact: true }).last().click();
  await page.getByRole("link", { name: "Start reviewing" }).click();
  await settled(page);
  await reloadAmid(page, /ReviewService\/ApprovePrediction/, ["sent"], () => page.keyboard.press("a"));
  await page.getByText(`${COUNT - 1} left to decide`).waitFor();
  await settled(page);
  await page.keyboard.press("x");
  await reloadAmid(page, /ReviewService\/RejectPrediction/, ["done"], () => page.keyboard.press("2"));
  for (let left = COUNT - 2; left > 0; left -= 1) {
    await page.getByText(`${left} left to decide`).waitFor();
    const before = await settled(page);
    await page.keyboard.press("a");
    if (left > 1) await eventually("the next shot is shown", async () => (await title(page).innerText()) !== before);
  }
  await page.getByRole("grid", { name: "Contact sheet" }).waitFor();
  await eventually("the server knows all of it", async () => {
    const states = (await house.shots(shootingId)).map((it) => it.state);
    return states.filter((it) => it === Shot_State.APPROVED).length === COUNT - 1 && states.includes(Shot_State.REJECTED);
  });
  const shots = await house.shots(shootingId);
  const lists = await Promise.all(shots.map(({ id: shotId }) => house.reviews.listDecisions({ shotId })));
  assert.deepEqual(lists.map((it) => it.decisions.length), shots.map(() => 1), "each shot was decided once");
  assert.equal(lists.filter((it) => it.decisions[0]!.kind === Kind.REJECT).length, 1);
  await second.goto(`/shootings/${shootingId}/review`);
  for (const tab of [page, second]) await tab.getByText(`Approved ${COUNT - 1}`).waitFor();
}

/** Sends the approved pictures as a zip, reloads while it is made, and saves it. */
async function deliver(page: Page, context: BrowserContext, house: House): Promise<void> {
  await page.getByRole("link", { name: `Deliver ${COUNT - 1} approved` }).click();
  await page.getByRole("button", { name: `Send ${COUNT - 1} pictures` }).click();
  await page.waitForURL(/\/deliver\/[0-9a-f-]{36}$/);
  await page.reload();
  const other = await context.newPage();
  await other.goto(page.url());
  const exportId = page.url().split("/").at(-1)!;
  const { items } = await house.exports.listExportItems({ exportId });
  for (const tab of [page, other]) {
    await tab.getByText(`${COUNT - 1} of ${COUNT - 1} files delivered`).waitFor();
    await eventually("the zip is there", async () => (await tab.getByRole("button", { name: "Download" }).getAttribute("aria-disabled")) === null);
    const files = unzip((await save(tab)).bytes);
    assert.equal(files.size, COUNT - 1);
    for (const it of items) assert.ok(files.get(it.filename)?.equals(await house.bytesOf(it.predictionId)), `${it.filename} is what was approved`);
  }
}

story("J-1 from photos to a zip with reloads at bad moments: nothing is lost, and nothing is done twice", async (stage) => {
  const house = await stage.organization();
  await Promise.all([house.addSubject(), house.addStyle(), house.addShotTypes(1)]);
  const context = await stage.windowOf(house);
  const page = await context.newPage();
  await page.goto("/products");
  await upload(page, house);
  const second = await context.newPage();
  const shootingId = await compose(page);
  await generate(page, second, house, shootingId);
  await decide(page, second, house, shootingId);
  await deliver(page, context, house);
});
