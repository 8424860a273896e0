import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { Page, Route } from "playwright-core";
import { Decision_Kind as Kind, RejectReason } from "~/api/gen/sartiq/shooting/v1/decision_pb";
import { Shot_State, type Shot } from "~/api/gen/sartiq/shooting/v1/shot_pb";
import { eventually } from "./eventually";
import type { House, Studio } from "./house";
import { intercept } from "./intercept";
import { reloadAmid } from "./reload";
import { story } from "./runner";
import type { Stage } from "./stage";

const sheet = (page: Page) => page.getByRole("grid", { name: "Contact sheet" });
const bar = (page: Page) => page.getByRole("region", { name: "Selection" });
const notices = (page: Page) => page.getByRole("status", { name: "Notices" });
const idsOf = (shots: Shot[], state: Shot_State) => shots.filter((it) => it.state === state).map((it) => it.id);

async function openSheet(stage: Stage, house: House, { shootingId }: Studio): Promise<Page> {
  const page = await stage.open(house, `/shootings/${shootingId}/review`);
  await sheet(page).getByRole("gridcell").first().waitFor();
  return page;
}

/** The newest picture of each shot. */
async function covers(house: House, shots: Shot[]): Promise<string[]> {
  const found: string[] = [];
  for (const { id: shotId } of shots) found.push((await house.predictions.listPredictions({ shotId })).predictions[0]!.id);
  return found;
}

async function decide(house: House, shots: Shot[], kind: Kind, reason?: RejectReason): Promise<void> {
  const decisions = (await covers(house, shots)).map((predictionId) => ({ predictionId, kind, ...(reason && { reason }) }));
  const { results } = await house.reviews.batchDecide({ requestId: randomUUID(), decisions });
  assert.ok(results.every((it) => it.decision), "all are decided");
}

/** How many decisions about the shots stand, and how many were undone. */
async function tally(house: House, shots: Shot[]): Promise<[standing: number, undone: number]> {
  let [standing, undone] = [0, 0];
  for (const { id: shotId } of shots) {
    const { decisions } = await house.reviews.listDecisions({ shotId });
    standing += decisions.filter((it) => !it.undoTime).length;
    undone += decisions.filter((it) => it.undoTime).length;
  }
  return [standing, undone];
}

function written(house: House, { shootingId }: Studio, what: string, holds: (shots: Shot[]) => boolean): Promise<void> {
  return eventually(what, async () => holds(await house.shots(shootingId)));
}

/** Opens the list of those that were refused; answers what is said about each. */
async function refusals(page: Page, title: string): Promise<string[]> {
  await notices(page).getByRole("button", { name: "Show them" }).click();
  const dialog = page.getByRole("dialog", { name: title });
  await dialog.getByRole("listitem").first().waitFor();
  return dialog.getByRole("listitem").allInnerTexts();
}

story("B-29 of twelve that are approved at once four are not allowed: eight are approved, and four are explained", async (stage) => {
  const house = await stage.organization();
  const studio = await house.studio(6, 2);
  await house.generate(studio);
  const page = await openSheet(stage, house, studio);
  // All twelve are on their way when somebody decides about four.
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  await intercept(page, /ReviewService\/BatchDecide/, (route: Route) => released.then(() => route.continue()));
  await page.keyboard.press("Control+a");
  await bar(page).getByText("All 12 selected").waitFor();
  await page.keyboard.press("a");
  await notices(page).getByText("12 approved.").waitFor();
  await page.getByRole("button", { name: "Approved 12" }).waitFor();
  const [taken, own] = [studio.shots.slice(2, 6), [...studio.shots.slice(0, 2), ...studio.shots.slice(6)]];
  await decide(house, taken, Kind.APPROVE);
  release();
  await notices(page).getByText("8 approved, 4 not.").waitFor();
  const told = await refusals(page, "4 shots not approved");
  assert.equal(told.length, 4);
  assert.ok(told.every((it) => it.includes("This was decided that way already.")), told.join());
  const dialog = page.getByRole("dialog");
  const links = await dialog.getByRole("link").evaluateAll((all) => all.map((it) => new URL((it as HTMLAnchorElement).href).searchParams.get("shot")));
  assert.deepEqual(links, taken.map((it) => it.id), "each with the way to it");
  assert.deepEqual([await tally(house, taken), await tally(house, own)], [[4, 0], [8, 0]], "each was decided once");
  await dialog.getByRole("button", { name: "Close" }).click();

  // What is undone is what was done here, as far as nobody went on from it.
  await decide(house, own.slice(0, 1), Kind.REJECT, RejectReason.QUALITY);
  await page.keyboard.press("Control+z");
  await notices(page).getByText("7 undone, 1 not.").waitFor();
  const [kept] = await refusals(page, "1 shot not undone");
  assert.match(kept!, /Something was decided about it since\./);
  await page.getByRole("dialog").getByRole("link").click();
  await page.getByRole("region", { name: "Decisions" }).getByText("Technically bad").waitFor();
  await written(house, studio, "seven wait again", (shots) => idsOf(shots, Shot_State.TO_REVIEW).length === 7);
  assert.deepEqual([await tally(house, taken), await tally(house, own)], [[4, 0], [2, 7]], "what others decided stands");
  // The page knows the same.
  await page.keyboard.press("m");
  for (const name of ["To review 7", "Approved 4", "Rejected 1"]) await page.getByRole("button", { name }).waitFor();

  // Of what is selected it says before how much can be done, and rejecting takes all of it, after `1` to `7`.
  await page.keyboard.press("Control+a");
  await bar(page).getByRole("button", { name: "Approve 8 of 12" }).waitFor();
  await bar(page).getByRole("button", { name: "Reject 11 of 12" }).waitFor();
  await page.keyboard.press("x");
  await page.keyboard.press("7");
  await bar(page).getByRole("textbox", { name: "What is wrong with them?" }).fill("A thread hangs loose.");
  await page.keyboard.press("Enter");
  await written(house, studio, "all are rejected", (shots) => idsOf(shots, Shot_State.REJECTED).length === 12);
  await notices(page).getByText("11 rejected.").waitFor();
  const { decisions } = await house.reviews.listDecisions({ shotId: taken[0]!.id });
  assert.deepEqual([decisions[0]!.reason, decisions[0]!.note], [RejectReason.OTHER, "A thread hangs loose."]);
});

story("B-31 a range across a filtered sheet takes in what the filter shows, and nothing else", async (stage) => {
  const house = await stage.organization();
  const studio = await house.studio(24, 2);
  await house.generate(studio);
  // Every third is approved, and so not among what waits.
  await decide(house, studio.shots.filter((_, index) => index % 3 === 0), Kind.APPROVE);
  const page = await openSheet(stage, house, studio);
  await page.setViewportSize({ width: 700, height: 500 });
  await page.getByRole("button", { name: "To review 32" }).click();
  const waiting = idsOf(await house.shots(studio.shootingId), Shot_State.TO_REVIEW);
  const tiles = sheet(page).getByRole("gridcell");
  const tileOf = (id: string) => tiles.filter({ has: page.locator(`a[href*="${id}"]`) });
  await tileOf(waiting[1]!).getByRole("checkbox").click();
  await bar(page).getByText("1 selected").waitFor();
  assert.ok((await tiles.count()) < 32, "not all of them are in the page");
  // Those in between come and go while the page is scrolled.
  await page.getByRole("main").evaluate((it) => it.scrollTo(0, 1e6));
  await tileOf(waiting[30]!).locator("a").click({ modifiers: ["Shift"] });
  await bar(page).getByText("30 selected").waitFor();
  // One less, and one more.
  await page.keyboard.press("Shift+ArrowLeft");
  await bar(page).getByText("29 selected").waitFor();
  await page.keyboard.press("Shift+End");
  await bar(page).getByText("31 selected").waitFor();
  await page.keyboard.press("Shift+ArrowLeft");
  await page.keyboard.press("Shift+ArrowLeft");
  await bar(page).getByText("29 selected").waitFor();
  await page.keyboard.press("a");
  await notices(page).getByText("29 approved.").waitFor();
  const left = [waiting[0]!, waiting[30]!, waiting[31]!];
  await written(house, studio, "those of the range are approved", (shots) => idsOf(shots, Shot_State.TO_REVIEW).join() === left.join());
  await eventually("the others are shown", async () => (await tiles.count()) === 3);
  await eventually("the first after them has the focus", () => tileOf(waiting[30]!).locator("a").evaluate((it) => it === document.activeElement));
  assert.deepEqual(await tally(house, studio.shots), [45, 0], "nothing else was decided about");

  // What is shown by no filter can be selected, but not twice, nor after it has gone.
  await page.keyboard.press("Control+a");
  await bar(page).getByText("All 3 selected").waitFor();
  await decide(house, (await house.shots(studio.shootingId)).filter((it) => it.id === left[0]), Kind.APPROVE);
  await bar(page).getByText("All 2 selected").waitFor();
  await page.keyboard.press("Escape");
  await bar(page).waitFor({ state: "detached" });
});

story("R-1 a bulk and its undo that a reload cuts off are sent again, and done once", async (stage) => {
  const house = await stage.organization();
  const studio = await house.studio(3, 2);
  await house.generate(studio, 2);
  const page = await openSheet(stage, house, studio);
  await sheet(page).getByRole("gridcell").first().locator("a").focus();
  await page.keyboard.press("Space");
  await page.keyboard.press("Shift+ArrowRight");
  await page.keyboard.press("Shift+ArrowRight");
  await bar(page).getByText("3 selected").waitFor();
  await page.keyboard.press("x");
  // Who reloads twice has touched nothing in between, and is not asked.
  stage.watch.expect(/Blocked attempt to show a 'beforeunload'/);
  await reloadAmid(page, /ReviewService\/BatchDecide/, ["sent", "done"], () => page.keyboard.press("1"));
  await written(house, studio, "three are rejected", (shots) => idsOf(shots, Shot_State.REJECTED).length === 3);
  await page.getByRole("button", { name: "Rejected 3" }).waitFor();
  assert.deepEqual(await tally(house, studio.shots), [6, 0], "both pictures of each, once");

  // The undo is asked for before the answer is there, and knows after a reload what it is about: while the bulk is on its
  // way, and when it is done.
  const approveAndUndo = async () => {
    await page.keyboard.press("a");
    await page.keyboard.press("Control+z");
  };
  const isAsBefore = (shots: Shot[]) => idsOf(shots, Shot_State.REJECTED).length === 3 && idsOf(shots, Shot_State.TO_REVIEW).length === 3;
  for (const [round, pattern] of [[1, /ReviewService\/BatchDecide/], [2, /ReviewService\/BatchUndoDecisions/]] as const) {
    await page.keyboard.press("Control+a");
    await bar(page).getByRole("button", { name: "Approve 6", exact: true }).waitFor();
    await reloadAmid(page, pattern, ["sent", "done"], approveAndUndo);
    await eventually("all six are undone", async () => (await tally(house, studio.shots)).join() === `6,${6 * round}`);
    await written(house, studio, "all are as they were", isAsBefore);
    await page.getByRole("button", { name: "Rejected 3" }).waitFor();
  }
});
