// Organizations, channels and the audit log.
import assert from "node:assert/strict";

import { world } from "./lib/world.js";

const the = await world();
const root = the.server.api();
const button = (page, name) => page.getByRole("button", { name, exact: true });

the.visitTwice("an operator makes an organization, switches to it, renames and deletes it", async (visitor) => {
  const { page } = visitor;
  const name = visitor.hasScript ? "Bakery" : "Bakery without";
  await visitor.signIn(the.server.rootKey);
  await page.getByRole("link", { name: "Organizations" }).click();
  await page.getByRole("link", { name: "Create organization" }).click();
  await page.getByLabel("Name").fill("  ");
  await button(page, "Create organization").click();
  await page.locator("#faults").waitFor();
  await page.getByLabel("Name").fill(name);
  await button(page, "Create organization").click();
  await visitor.says(`The organization ${name} is created.`);
  await button(page, `Switch to ${name}`).click();
  await visitor.says("No keys yet");
  await page.getByRole("link", { name: "Organizations" }).click();
  await page.getByRole("link", { name, exact: true }).click();
  await page.getByLabel("Name", { exact: true }).fill(`${name} & Sons`);
  await button(page, "Save name").click();
  await visitor.heading(`${name} & Sons`);
  await page.getByLabel("Name, to confirm").fill(name);
  await button(page, "Delete organization").click();
  await visitor.says("This is another one");
  await page.getByLabel("Name, to confirm").fill(`${name} & Sons`);
  await button(page, "Delete organization").click();
  await visitor.says(`The organization ${name} & Sons is deleted.`);
  const organizations = await root.done("GET", "/organizations?limit=100");
  assert.ok(!organizations.some((organization) => organization.name.startsWith(name)));
});

the.visitTwice("a channel is added, changed and removed", async (visitor) => {
  const { page } = visitor;
  const { adminKey, admin } = await root.organization();
  await visitor.signIn(adminKey.key);
  await page.getByRole("link", { name: "Channels" }).click();
  await page.getByRole("link", { name: "Add the first channel" }).click();
  await page.getByLabel("Id", { exact: true }).fill("not an id");
  await page.getByLabel("Name").fill("Orders");
  await page.getByLabel("Type").selectOption({ label: "Instagram" });
  await button(page, "Add channel").click();
  await page.locator("#faults").waitFor();
  assert.equal(await page.getByLabel("Name").inputValue(), "Orders");
  await page.getByLabel("Id", { exact: true }).fill("ig-orders");
  await button(page, "Add channel").click();
  await visitor.says("The channel Orders is added.");
  const [added] = await admin.done("GET", "/channels");
  assert.deepEqual([added.id, added.name, added.type], ["ig-orders", "Orders", "instagram"]);
  await page.getByRole("link", { name: "Edit Orders" }).click();
  await page.getByLabel("Name").fill("Orders & more");
  await button(page, "Save channel").click();
  await visitor.says("The channel Orders & more is saved.");
  await page.getByRole("link", { name: "Remove Orders & more" }).click();
  await page.getByRole("link", { name: "Cancel" }).click();
  await page.getByRole("link", { name: "Remove Orders & more" }).click();
  await button(page, "Remove channel").click();
  await visitor.says("The channel Orders & more is removed.");
  assert.deepEqual(await admin.done("GET", "/channels"), []);
});

the.visitTwice("the audit log is looked through", async (visitor) => {
  const { page } = visitor;
  const { adminKey, admin } = await root.organization();
  const key = await admin.createKey({ name: "Watched" });
  await admin.createKey({ name: "Other" });
  await admin.revoke(key.id);
  await visitor.signIn(adminKey.key);
  await page.getByRole("link", { name: "Audit log" }).click();
  await visitor.heading("Audit log");
  const events = () => page.locator("tbody .key-name").allTextContents();
  assert.deepEqual(await events(), ["Key revoked", "Key created", "Key created", "Key created", "Organization created"]);
  await page.getByRole("row", { name: /^Key revoked/ }).getByRole("link", { name: "Only this key" }).click();
  await page.waitForURL(/keyId=key_/);
  assert.deepEqual(await events(), ["Key revoked", "Key created"]);
  await page.getByLabel("What happened").selectOption({ label: "Key created" });
  await button(page, "Show").click();
  await page.waitForURL(/action=key.created/);
  assert.deepEqual(await events(), ["Key created"]);
  await page.locator("summary").click();
  await page.locator("dl").getByText("chats:read").waitFor();
  await page.getByLabel("Id of a key").fill("something else");
  await button(page, "Show").click();
  await visitor.says("This is no id of a key.");
});
