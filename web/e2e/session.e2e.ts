import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { eventually } from "./eventually";
import type { House } from "./house";
import { story } from "./runner";

async function signIn(page: Page, house: House, { email = house.email, password = house.password } = {}): Promise<void> {
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

story("S-1 a wrong password says so and keeps the address; a session that has ended leads back to where one was", async (stage) => {
  const house = await stage.organization();
  await house.addProducts(2);
  const where = "/products?search=shirt+2";
  const page = await stage.open(house, where);
  await page.getByRole("link", { name: /Shirt 2/ }).waitFor();
  // What is kept here opens nothing any more.
  stage.watch.expect(/AuthService\/(Refresh|Login): grpc 16/, /EventService\/Subscribe/);
  await page.evaluate(() => {
    const session = JSON.parse(localStorage.getItem("sartiq.session")!);
    localStorage.setItem("sartiq.session", JSON.stringify({ ...session, refreshToken: "ended" }));
  });
  await page.reload();
  await page.getByRole("heading", { name: "Sign in", level: 1 }).waitFor();
  assert.equal(await page.evaluate(() => localStorage.getItem("sartiq.session")), null, "nothing of the session is kept");

  await signIn(page, house, { password: "not the password" });
  const alert = page.getByRole("alert");
  await alert.getByText("The address or the password is wrong.").waitFor();
  await alert.getByText(/Request/).waitFor();
  assert.equal(await page.getByLabel("E-mail").inputValue(), house.email);
  await signIn(page, house, { email: "nobody@e2e.example" });
  await eventually("an unknown address is answered alike", async () => (await alert.innerText()).includes("The address or the password is wrong."));
  await signIn(page, house);
  await page.getByRole("link", { name: /Shirt 2/ }).waitFor();
  assert.equal(new URL(page.url()).pathname + new URL(page.url()).search, where, "it goes on where it ended");
  assert.equal(await page.getByRole("link", { name: /Shirt 1/ }).count(), 0);
});

story("S-2 a session is ended from another device: all its tabs are signed out, and one goes on where one was", async (stage) => {
  const house = await stage.organization();
  const [product] = await house.addProducts(1);
  const context = await stage.windowOf(house);
  const tabs = [await context.newPage(), await context.newPage()] as const;
  await tabs[0].goto(`/products/${product!.id}`);
  await tabs[1].goto("/library/shot-types");
  for (const tab of tabs) await tab.getByRole("status", { name: "Connection: Live" }).waitFor();
  const elsewhere = await stage.open(house, "/settings/sessions");
  const others = elsewhere.getByRole("row").getByRole("button", { name: "Sign out" });
  await others.first().waitFor();
  stage.watch.expect(/: grpc 16 /, /EventService\/Subscribe/);
  while ((await others.count()) > 0) {
    const left = await others.count();
    await others.first().click();
    await eventually("it is gone", async () => (await others.count()) < left);
  }
  for (const tab of tabs) await tab.getByRole("heading", { name: "Sign in", level: 1 }).waitFor();
  await signIn(tabs[0], house);
  await tabs[0].getByRole("heading", { name: "Shirt 1", level: 1 }).waitFor();
  // The other tab of the browser is signed in with it, where it was.
  await tabs[1].getByRole("row", { name: /front-full/ }).waitFor();
});
