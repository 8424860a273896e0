import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import type { Page } from "playwright-core";
import { ExportItem_State as ItemState } from "~/api/gen/sartiq/delivery/v1/export_pb";
import { Bucket } from "./bucket";
import { eventually } from "./eventually";
import type { House } from "./house";
import { story } from "./runner";
import type { Stage } from "./stage";
import { save, unzip } from "./zip";

const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
const newBucket = () => new Bucket(`shop-${randomUUID().slice(0, 8)}`);
const notice = (page: Page, text: string | RegExp) => page.getByRole("status", { name: "Notices" }).getByText(text);
const items = (page: Page) => page.getByRole("region", { name: "Files and receipts" }).getByRole("row");

/** A shooting of three approved pictures, and the page of its owner. */
async function approved(stage: Stage, path: string) {
  const house = await stage.organization();
  const studio = await house.studio(1, 3);
  await house.generate(studio);
  await house.approve(studio);
  return { house, studio, page: await stage.open(house, path) };
}

/** Fills the form that adds a target, and sends it. */
async function addTarget(page: Page, name: string, bucket: Bucket, prefix: string): Promise<void> {
  await page.getByRole("button", { name: "New target" }).first().click();
  const form = page.getByRole("dialog", { name: "New target" });
  await form.getByLabel("Name", { exact: true }).fill(name);
  await form.getByLabel("Address of the store").fill(bucket.endpointUrl);
  await form.getByLabel("Bucket", { exact: true }).fill(bucket.name);
  await form.getByLabel("Folder (optional)").fill(prefix);
  await form.getByLabel("Access key id").fill(bucket.accessKeyId);
  await form.getByLabel("Secret access key").fill(bucket.secretAccessKey);
  await form.getByRole("button", { name: "Add and test" }).click();
  await form.waitFor({ state: "detached" });
}

/** Sends all approved pictures of a shooting; answers the id of the export, whose page is shown then. */
async function send(page: Page, shootingId: string, name: string, to: string): Promise<string> {
  await page.goto(`/deliver?shooting=${shootingId}`);
  await page.getByText("3 of 3 approved pictures chosen").waitFor();
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("To", { exact: true }).selectOption({ label: to });
  await page.getByRole("button", { name: "Send 3 pictures" }).click();
  await page.getByRole("heading", { name, level: 1 }).waitFor();
  return page.url().split("/").at(-1)!;
}

/** The files of an export as they must arrive: each name with the bytes of the picture that was approved. */
async function expected(house: House, exportId: string): Promise<Map<string, Buffer>> {
  const { items } = await house.exports.listExportItems({ exportId });
  return new Map(await Promise.all(items.map(async (it) => [it.filename, await house.bytesOf(it.predictionId)] as const)));
}

story("D-1 a zip arrives as a file: its names and bytes are those of the approved pictures", async (stage) => {
  const { house, studio, page } = await approved(stage, "/deliver");
  await page.getByRole("heading", { name: "Nothing was delivered yet" }).waitFor();
  const id = await send(page, studio.shootingId, "Spring, first part", "Zip to download");
  await page.getByText("3 of 3 files delivered").waitFor();
  await eventually("it can be downloaded", async () => (await page.getByRole("button", { name: /^Download/ }).getAttribute("aria-disabled")) === null);
  const { name, bytes } = await save(page);
  assert.equal(name, "Spring-first-part.zip");
  const wanted = await expected(house, id);
  const files = unzip(bytes);
  assert.deepEqual([...files.keys()].sort(), [...wanted.keys()].sort());
  assert.equal(files.size, 3);
  for (const [name, bytes] of wanted) {
    assert.match(name, /^Shirt-1_0[1-3]\.(png|jpg|webp)$/, "a name says what it shows");
    assert.ok(files.get(name)!.equals(bytes), `${name} has the bytes of the picture`);
    const row = items(page).filter({ hasText: name });
    await row.getByText("Delivered", { exact: true }).waitFor();
    assert.equal((await row.locator("code").getAttribute("title"))?.split(" ").at(-1), sha256(bytes), `the receipt of ${name} says so`);
  }
  await page.goto("/deliver");
  await page.getByRole("row", { name: /Spring, first part.*Delivered.*3 of 3.*Zip/ }).waitFor();
});

story("D-2 pictures are written to a bucket, each with a receipt; a file of somebody else stays, and its item is retried", async (stage) => {
  const { house, studio, page } = await approved(stage, "/deliver/targets");
  const bucket = newBucket();
  await bucket.create();
  await page.getByRole("heading", { name: "No targets yet" }).waitFor();
  await addTarget(page, "Shop", bucket, "spring/");
  await notice(page, "“Shop” works.").waitFor();
  await page.getByRole("button", { name: "Test Shop" }).click();
  await notice(page, "“Shop” works: a file was written, read and deleted.").waitFor();
  await page.getByRole("row", { name: /Shop/ }).getByText("Works", { exact: true }).waitFor();
  assert.deepEqual(await bucket.keys(), [], "the test leaves nothing behind");
  assert.ok(!(await page.content()).includes(bucket.secretAccessKey), "the key is not shown again");

  // Somebody has a file there whose name one of ours gets.
  const foreign = "spring/Shirt-1_02";
  for (const ending of ["png", "jpg", "webp"]) await bucket.put(`${foreign}.${ending}`, "not ours");
  const id = await send(page, studio.shootingId, "To the shop", "Shop");
  await page.getByText("2 of 3 files delivered").waitFor();
  const failed = items(page).filter({ hasText: "Shirt-1_02" });
  await failed.getByText("Failed", { exact: true }).waitFor();
  await failed.getByText(/has another file of that name/).waitFor();
  await page.getByText("Partly delivered", { exact: true }).waitFor();
  const wanted = await expected(house, id);
  const taken = [...wanted.keys()].find((it) => it.startsWith("Shirt-1_02"))!;
  assert.equal((await bucket.get(`spring/${taken}`)).toString(), "not ours", "what is there stays as it is");

  for (const ending of ["png", "jpg", "webp"]) await bucket.remove(`${foreign}.${ending}`);
  await page.getByRole("button", { name: "Retry 1 failed item" }).click();
  await page.getByText("3 of 3 files delivered").waitFor();
  assert.deepEqual(await bucket.keys(), [...wanted.keys()].map((it) => `spring/${it}`).sort());
  for (const [name, bytes] of wanted) {
    assert.ok((await bucket.get(`spring/${name}`)).equals(bytes), `${name} arrived as it was made`);
    const row = items(page).filter({ hasText: name });
    await row.getByText(`spring/${name}`).waitFor();
    assert.equal((await row.locator("code").getAttribute("title"))?.split(" ").at(-1), sha256(bytes), `the receipt of ${name} says so`);
  }
  assert.equal(await page.getByRole("button", { name: /^Retry/ }).count(), 0, "nothing is left to retry");
});

story("D-3 a target whose bucket is away: its exports wait; one goes on when it is back, one is cancelled", async (stage) => {
  const { house, studio, page } = await approved(stage, "/deliver/targets");
  const bucket = newBucket();
  await addTarget(page, "Late shop", bucket, "");
  await notice(page, "“Late shop” was added, but could not be reached.").waitFor();
  await page.getByRole("row", { name: /Late shop/ }).getByText("Not tested").waitFor();

  const cancelled = await send(page, studio.shootingId, "Not any more", "Late shop");
  await page.getByText("Waits for the target", { exact: true }).waitFor();
  await page.getByRole("alert").getByText(/cannot be reached.*tried again by itself/).waitFor();
  await page.getByRole("button", { name: "Cancel", exact: true }).click();
  await notice(page, "Cancelled. What was delivered stays delivered.").waitFor();
  await eventually("no item waits", async () => (await items(page).getByText("Cancelled", { exact: true }).count()) === 3);

  const waiting = await send(page, studio.shootingId, "As soon as it is there", "Late shop");
  await page.getByText("Waits for the target", { exact: true }).waitFor();
  await page.getByText("0 of 3 files delivered").waitFor();
  await bucket.create();
  const other = await stage.open(house, "/deliver/targets");
  await other.getByRole("button", { name: "Test Late shop" }).click();
  await notice(other, /“Late shop” works/).waitFor();
  await page.getByText("3 of 3 files delivered").waitFor();
  await page.getByText("Delivered", { exact: true }).first().waitFor();
  await eventually("nothing is wrong any more", async () => (await page.getByRole("alert").count()) === 0);
  assert.deepEqual(await bucket.keys(), [...(await expected(house, waiting)).keys()].sort());
  const { items: left } = await house.exports.listExportItems({ exportId: cancelled });
  assert.ok(left.every((it) => it.state === ItemState.CANCELLED), "what was cancelled is not delivered");

  await other.getByRole("button", { name: "Delete Late shop" }).click();
  await other.getByRole("dialog").getByRole("button", { name: "Delete 1 target" }).click();
  await other.getByRole("heading", { name: "No targets yet" }).waitFor();
});
