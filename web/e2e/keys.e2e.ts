import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { Shot_State } from "~/api/gen/sartiq/shooting/v1/shot_pb";
import { eventually } from "./eventually";
import { story } from "./runner";

const help = (page: Page) => page.getByRole("dialog", { name: "Keyboard shortcuts" });

async function openHelp(page: Page): Promise<void> {
  await page.keyboard.press("?");
  await help(page).waitFor();
}

/** Asks for other keys of what is called `label`, and presses `keys`, one after the other. */
async function bind(page: Page, label: string, ...keys: string[]): Promise<void> {
  await help(page).getByRole("button", { name: `Change the keys of “${label}”` }).click();
  await help(page).getByRole("button", { name: `New keys of “${label}”` }).waitFor();
  for (const key of keys) await page.keyboard.press(key);
  await help(page).getByRole("button", { name: `New keys of “${label}”` }).waitFor({ state: "detached" });
}

const row = (page: Page, label: string) => help(page).getByRole("listitem").filter({ hasText: label });

story("K-1 keys are bound otherwise in one browser: never twice, kept over a reload, and reset", async (stage) => {
  const house = await stage.organization();
  const studio = await house.studio(1, 2);
  await house.generate(studio);
  const review = `/shootings/${studio.shootingId}/review?shot=${studio.shots[0]!.id}`;
  const page = await stage.open(house, review);
  const approve = page.getByRole("button", { name: "Approve", exact: true });
  await approve.waitFor();
  await openHelp(page);
  await bind(page, "Approve, and go on", "x");
  await help(page).getByRole("alert").getByText("X is taken by “Reject: then 1 to 7 say why” (Review).").waitFor();
  await bind(page, "Approve, and go on", "Control+w");
  await help(page).getByRole("alert").getByText("The browser needs Ctrl+W for itself.").waitFor();
  await bind(page, "Approve, and go on", "Escape");
  assert.equal(await help(page).getByRole("alert").count(), 0);
  assert.match(await row(page, "Approve, and go on").innerText(), /\bA$/, "what is left alone stays");
  await bind(page, "Approve, and go on", "q");
  await bind(page, "Go to Queue", "g", "x");
  assert.match(await row(page, "Approve, and go on").innerText(), /\bQ$/);
  // What was given up is free.
  await bind(page, "Fit", "a");
  await help(page).getByRole("button", { name: "Reset the keys of “Approve, and go on” to A" }).click();
  await help(page).getByRole("alert").getByText("A is taken by “Fit” (Review).").waitFor();
  await help(page).getByRole("button", { name: "Close", exact: true }).click();

  const states = async () => (await house.shots(studio.shootingId)).map((it) => it.state);
  await page.reload();
  await approve.waitFor();
  await approve.getByText("Q", { exact: true }).waitFor();
  await page.getByRole("main").getByRole("img", { name: /variant 1/ }).first().waitFor();
  await page.keyboard.press("a");
  await page.keyboard.press("q");
  await page.getByText("1 left to decide").waitFor();
  await eventually("one shot is approved", async () => (await states()).filter((it) => it === Shot_State.APPROVED).length === 1);
  // Another browser of the same user knows nothing of it.
  const other = await stage.open(house, review);
  await other.getByRole("button", { name: "Approve", exact: true }).getByText("A", { exact: true }).waitFor();

  await page.keyboard.press("g");
  await page.keyboard.press("x");
  await page.getByRole("heading", { name: "Queue", level: 1 }).waitFor();
  await page.goBack();
  await approve.waitFor();
  await openHelp(page);
  await help(page).getByRole("button", { name: "Reset all keys" }).click();
  await help(page).getByRole("button", { name: "Reset all keys" }).waitFor({ state: "detached" });
  await page.keyboard.press("Escape");
  await help(page).waitFor({ state: "detached" });
  await approve.getByText("A", { exact: true }).waitFor();
  const decided = (await Promise.all(studio.shots.map(({ id }) => house.reviews.listDecisions({ shotId: id })))).flatMap((it) => it.decisions);
  assert.equal(decided.length, 1, "the key that was given up decided nothing");

  // The same for what is done with many.
  await page.keyboard.press("m");
  await page.getByRole("gridcell").first().waitFor();
  await page.keyboard.press("Control+a");
  await page.getByRole("region", { name: "Selection" }).getByRole("button", { name: "Approve 1 of 2" }).waitFor();
  await openHelp(page);
  await bind(page, "Approve what is selected", "q");
  await bind(page, "Select none", "Shift+A");
  await help(page).getByRole("button", { name: "Close", exact: true }).click();
  await page.keyboard.press("Shift+A");
  await page.getByRole("region", { name: "Selection" }).waitFor({ state: "detached" });
  await page.keyboard.press("Control+a");
  await page.keyboard.press("q");
  await eventually("both are approved", async () => (await states()).every((it) => it === Shot_State.APPROVED));
});
