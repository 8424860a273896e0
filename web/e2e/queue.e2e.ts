import assert from "node:assert/strict";
import { fromBinary } from "@bufbuild/protobuf";
import type { Page } from "playwright-core";
import { ListGenerationsRequestSchema } from "~/api/gen/sartiq/generation/v1/generation_service_pb";
import { Generation_State as State } from "~/api/gen/sartiq/generation/v1/generation_pb";
import { Shot_State } from "~/api/gen/sartiq/shooting/v1/shot_pb";
import { eventually } from "./eventually";
import { storyAlone } from "./runner";
import { during, type Rule } from "./sandbox";

const REFUSED: Rule = { match: { operation: "submit", endpoint: "*/edit" }, fault: { kind: "error", name: "content_policy_violation" } };
const ENDLESS: Rule = { match: { operation: "submit", endpoint: "*/edit" }, fault: { kind: "never_finishes" } };

const runs = (page: Page) => page.getByRole("region", { name: "Runs" }).getByRole("row").filter({ has: page.getByRole("checkbox") });
const filter = (page: Page, name: string) => page.getByRole("group", { name: "Which runs" }).getByRole("button", { name, exact: true });

async function generate(page: Page, pictures: string): Promise<void> {
  const button = page.getByRole("button", { name: `Generate ${pictures}`, exact: true });
  await button.waitFor();
  await eventually("it can be started", async () => (await button.getAttribute("aria-disabled")) !== "true");
  await button.click();
}

storyAlone("Q-1 a run that the vendor refuses says why, wherever it is shown, and Retry makes it work", async (stage) => {
  const house = await stage.organization();
  const studio = await house.studio(1, 1);
  const page = await stage.open(house, `/shootings/${studio.shootingId}/generate`);
  await during(REFUSED, async () => {
    await generate(page, "1 picture");
    await page.getByRole("gridcell", { name: "Shirt 1, Small 1, picture 1: Failed" }).getByText(/content/i).waitFor();
  });
  await page.getByText("0 pictures ready, 1 failed").first().waitFor();
  await page.goto("/queue");
  await filter(page, "Failed").click();
  const failed = runs(page).filter({ hasText: "Shirt 1" });
  await failed.getByText("Failed", { exact: true }).waitFor();
  await failed.getByText(/content/i).waitFor();
  assert.match(page.url(), /state=failed/, "the filter has an address");

  await failed.getByRole("link", { name: /Shirt 1/ }).click();
  await page.getByRole("heading", { name: "Shirt 1", level: 1 }).waitFor();
  const step = page.getByRole("region", { name: "Steps" }).getByRole("row").filter({ hasText: "Picture 1" });
  await step.getByText(/content/i).waitFor();
  const before = page.url();
  await page.getByRole("button", { name: "Retry 1" }).click();
  await page.waitForURL((it) => it.href !== before && it.pathname.startsWith("/runs/"));
  await page.getByRole("main").getByText("Completed", { exact: true }).first().waitFor({ timeout: 60_000 });
  await page.getByRole("img", { name: "Picture 1" }).waitFor();
  const [shot] = await house.shots(studio.shootingId);
  assert.equal(shot!.state, Shot_State.TO_REVIEW);

  await page.goto("/queue");
  await eventually("the failed run and the one that worked", async () => (await runs(page).count()) === 2);
  const states = (await house.generations.listGenerations({})).generations.map((it) => it.state);
  assert.deepEqual(states, [State.COMPLETED, State.FAILED]);
  await page.getByRole("main").getByRole("row", { name: /Shirt 1.*Completed/ }).waitFor();
});

storyAlone("Q-3 what failed whole and what failed in part are told apart by the server", async (stage) => {
  const house = await stage.organization();
  const studio = await house.studio(1, 2);
  const page = await stage.open(house, `/shootings/${studio.shootingId}/generate?variants=2`);
  await during({ ...REFUSED, match: { ...REFUSED.match, times: 3 } }, async () => {
    await generate(page, "4 pictures");
    await page.getByText("1 picture ready, 3 failed").first().waitFor({ timeout: 60_000 });
  });
  // Each page holds what fits, whatever stands between: it is the server that leaves out the others.
  const asked: number[][] = [];
  page.on("request", (it) => {
    if (!it.url().endsWith("GenerationService/ListGenerations")) return;
    asked.push([...fromBinary(ListGenerationsRequestSchema, it.postDataBuffer()!.subarray(5)).states]);
  });
  await page.goto("/queue?state=failed");
  await eventually("one run has no picture", async () => (await runs(page).count()) === 1);
  await runs(page).getByText("0 of 2, 2 failed").waitFor();
  assert.ok(asked.some((it) => it.join() === String(State.FAILED)), `the server is asked for what failed: ${asked.join("; ")}`);
  await filter(page, "Ended").click();
  await eventually("both have ended", async () => (await runs(page).count()) === 2);
  const partly = runs(page).filter({ hasText: "1 of 2, 1 failed" });
  await partly.getByRole("button", { name: "Retry 1 of Shirt 1" }).waitFor();
});

storyAlone("Q-2 what runs is stopped: on its tile, in its row, and from the keyboard", async (stage) => {
  const house = await stage.organization();
  const studio = await house.studio(1, 3);
  const page = await stage.open(house, `/shootings/${studio.shootingId}/generate`);
  const stateOf = async (index: number) => {
    const { generations } = await house.generations.listGenerations({ shootingId: studio.shootingId });
    return generations.find((it) => it.shotId === studio.shots[index]!.id)?.state;
  };
  await during(ENDLESS, async () => {
    await generate(page, "3 pictures");
    await page.getByRole("gridcell", { name: /Shirt 1, Small 2, picture 1: Rendering/ }).waitFor();
    await page.getByRole("button", { name: "Stop Shirt 1, Small 2, picture 1" }).click();
    await page.getByRole("gridcell", { name: "Shirt 1, Small 2, picture 1: Stopped" }).waitFor();
    await eventually("the shot is stopped", async () => (await stateOf(1)) === State.CANCELLED);

    await page.goto("/queue?state=running");
    await page.getByText("2 runs going on").waitFor();
    await filter(page, "Tasks").click();
    await page.getByRole("region", { name: "Tasks" }).getByRole("row", { name: /Picture 1/ }).first().waitFor();
    await filter(page, "Running").click();
    await eventually("two rows", async () => (await runs(page).count()) === 2);
    await runs(page).first().getByRole("button", { name: "Cancel Shirt 1" }).click();
    await page.getByRole("status", { name: "Notices" }).getByText("1 run stopped. What was made stays.").waitFor();
    await eventually("one row is left", async () => (await runs(page).count()) === 1);
    await runs(page).getByRole("checkbox").check();
    await page.getByText("1 selected").waitFor();
    await page.keyboard.press("Shift+X");
    await page.getByRole("heading", { name: "Nothing fits" }).waitFor();
  });
  for (const index of [0, 1, 2]) assert.equal(await stateOf(index), State.CANCELLED);
  await filter(page, "Tasks").click();
  await page.getByRole("heading", { name: "Nothing waits" }).waitFor();
  const shots = await house.shots(studio.shootingId);
  assert.ok(shots.every((it) => it.state === Shot_State.PLANNED), "what has no picture is planned again");

  // What was stopped can be started again from where it was stopped.
  await filter(page, "Ended").click();
  await runs(page).first().getByRole("button", { name: "Retry 1 of Shirt 1" }).click();
  await page.getByRole("main").getByRole("row", { name: /Shirt 1.*Completed/ }).waitFor({ timeout: 60_000 });
});
