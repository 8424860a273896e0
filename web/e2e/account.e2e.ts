import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { Page } from "playwright-core";
import { eventually } from "./eventually";
import { story } from "./runner";
import type { Stage } from "./stage";

const PASSWORD = "a password of twelve";

async function createAccount(page: Page, name: string, email: string, organization?: string): Promise<void> {
  await page.getByLabel("Your name").fill(name);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(PASSWORD);
  if (organization) await page.getByLabel("Organization").fill(organization);
  await page.getByRole("button", { name: "Create account" }).click();
}

/** Lets the owner invite somebody; answers the link that is to be handed over. */
async function invite(owner: Page, email: string, role: string): Promise<string> {
  await owner.getByRole("button", { name: "Invite", exact: true }).click();
  await owner.getByLabel("E-mail").fill(email);
  await owner.getByLabel("Role", { exact: true }).selectOption({ label: role });
  await owner.getByRole("button", { name: "Create invitation" }).click();
  const link = await owner.getByLabel("Link").inputValue();
  await owner.getByRole("button", { name: "Done" }).click();
  return link;
}

async function join(stage: Stage, link: string, name: string, email: string): Promise<Page> {
  const page = await (await stage.window()).newPage();
  await page.goto(link);
  await page.getByRole("link", { name: "Create an account" }).click();
  await createAccount(page, name, email);
  await page.getByRole("button", { name: "Accept the invitation" }).click();
  await page.getByRole("heading", { name: "Home", level: 1 }).waitFor();
  return page;
}

/** Looks through the pages where things are made: whether each offers to make one. */
async function offers(page: Page, isOffered: boolean): Promise<void> {
  for (const [path, title, button] of [
    ["/subjects", "Subjects", "New subject"], ["/library/styles", "Styles", "New style"], ["/library/guidelines", "Guidelines", "New guideline"],
    ["/library/shot-types", "Shot types", "New shot type"], ["/shootings", "Shootings", "New shooting"], ["/deliver", "Deliver", "New export"],
  ] as const) {
    await page.goto(path);
    await page.getByRole("heading", { name: title, level: 1 }).waitFor();
    await page.waitForFunction(() => document.querySelector("[role=status][aria-label^=Loading]") === null);
    const made = page.getByRole("button", { name: button });
    if (isOffered) await made.first().waitFor();
    else assert.equal(await made.count(), 0, `no “${button}”`);
  }
}

const rail = (page: Page, name: string) => page.getByRole("navigation", { name: "Main" }).getByRole("link", { name, exact: true });

story("B-01 a first run: an organization, an editor and a reviewer, each with what the role allows", async (stage) => {
  const unique = randomUUID().slice(0, 8);
  const brand = `Atelier ${unique}`;
  const owner = await (await stage.window()).newPage();
  await owner.goto("/");
  await owner.getByRole("link", { name: "Create one" }).click();
  await createAccount(owner, "Olga Owner", `owner-${unique}@e2e.example`, brand);
  await owner.getByRole("heading", { name: "Home", level: 1 }).waitFor();
  await owner.goto("/settings/members");
  const editorMail = `editor-${unique}@e2e.example`;
  const reviewerMail = `reviewer-${unique}@e2e.example`;
  const editorLink = await invite(owner, editorMail, "Editor");
  const reviewerLink = await invite(owner, reviewerMail, "Reviewer");

  const editor = await join(stage, editorLink, "Edda Editor", editorMail);
  await editor.getByRole("banner").getByText(brand).waitFor();
  await rail(editor, "Generator").waitFor();
  await rail(editor, "Products").click();
  await editor.getByRole("button", { name: "New product" }).click();
  await editor.getByLabel("Name", { exact: true }).fill("Linen shirt");
  await editor.getByRole("button", { name: "Create", exact: true }).click();
  await editor.getByRole("heading", { name: "Linen shirt", level: 1 }).waitFor();
  await editor.goto("/settings/members");
  const inviting = editor.getByRole("button", { name: /^Invite/ });
  assert.equal(await inviting.getAttribute("aria-disabled"), "true", "editors may not invite");
  await offers(editor, true);
  await editor.goto("/deliver/targets");
  await editor.getByRole("heading", { name: "No targets yet" }).waitFor();
  assert.equal(await editor.getByRole("button", { name: "New target" }).count(), 0, "editors add no targets");

  const reviewer = await join(stage, reviewerLink, "Rhea Reviewer", reviewerMail);
  await rail(reviewer, "Review").waitFor();
  assert.equal(await rail(reviewer, "Generator").count(), 0, "reviewers generate nothing");
  await rail(reviewer, "Products").click();
  await reviewer.getByRole("link", { name: /Linen shirt/ }).first().waitFor();
  assert.equal(await reviewer.getByRole("button", { name: "New product" }).count(), 0, "reviewers add no products");
  assert.equal(await reviewer.getByRole("button", { name: "Add photos" }).count(), 0, "reviewers add no photos");

  await offers(reviewer, false);

  // Whoever joined comes back with their password, to where they wanted to go.
  await reviewer.getByRole("button", { name: "Account and settings" }).click();
  await reviewer.getByRole("menuitem", { name: "Sign out" }).click();
  await reviewer.getByLabel("E-mail").waitFor();
  await reviewer.goto("/products");
  await reviewer.getByLabel("E-mail").fill(reviewerMail);
  await reviewer.getByLabel("Password").fill("not the password");
  await reviewer.getByRole("button", { name: "Sign in" }).click();
  await reviewer.getByRole("alert").waitFor();
  stage.watch.expect(/AuthService\/Login: grpc 16/);
  await reviewer.getByLabel("Password").fill(PASSWORD);
  await reviewer.getByRole("button", { name: "Sign in" }).click();
  await reviewer.getByRole("heading", { name: "Products", level: 1 }).waitFor();

  await owner.reload();
  const members = owner.getByRole("region", { name: "Members" });
  await members.getByText(reviewerMail).waitFor();
  assert.equal(await members.getByText(editorMail).count(), 1);
});

story("B-47 pages of another organization look like pages that never were", async (stage) => {
  const [owner, stranger] = await Promise.all([stage.organization("Ours"), stage.organization("Theirs")]);
  const studio = await owner.studio(1, 1);
  const product = studio.products[0]!;
  const page = await stage.open(stranger, "/");
  stage.watch.expect(/grpc 5 /, /answer: .*: 404$/);
  const see = async (path: string) => {
    await page.goto(path);
    let text = "";
    await eventually(`${path} is not found`, async () => {
      text = await page.getByRole("main").innerText();
      return text.includes("Not found");
    });
    assert.ok(!text.includes(product.name) && !text.includes("Spring"), `${path} tells nothing`);
    return text.replaceAll(/[0-9a-f-]{36}/g, "");
  };
  const { subjectId } = (await owner.looks.listLooks({ shootingId: studio.shootingId })).looks[0]!;
  const pages = (shootingId: string, productId: string, subjectId: string) => [
    `/products/${productId}`, `/subjects/${subjectId}`, `/shootings/${shootingId}`, `/shootings/${shootingId}/looks`,
    `/shootings/${shootingId}/generate`, `/shootings/${shootingId}/review`,
  ];
  await owner.generate(studio);
  await owner.approve(studio);
  const { export: sent } = await owner.exports.createExport({ requestId: randomUUID(), name: "Spring", shootingId: studio.shootingId });
  const { generations } = await owner.generations.listGenerations({ shootingId: studio.shootingId });
  for (const [foreign, missing] of [[`/deliver/${sent!.id}`, `/deliver/${randomUUID()}`], [`/runs/${generations[0]!.id}`, `/runs/${randomUUID()}`]]) {
    assert.equal(await see(foreign!), await see(missing!), `${foreign} is like one that never was`);
  }
  const foreign = pages(studio.shootingId, product.id, subjectId);
  const missing = pages(randomUUID(), randomUUID(), randomUUID());
  for (const [index, path] of foreign.entries()) {
    assert.equal(await see(path), await see(missing[index]!), `${path} is like one that never was`);
  }
});
