// A key, from its making to its end, one page at a time.
import assert from "node:assert/strict";

import { world } from "./lib/world.js";

const the = await world();
const root = the.server.api();
const VALUE = /^qwt_[0-9A-Za-z]{49}$/;
const button = (page, name) => page.getByRole("button", { name, exact: true });

/** An organization of the test's own, and its administrator signed in. */
async function administrator(visitor) {
  const organization = await root.organization();
  await visitor.signIn(organization.adminKey.key);
  return organization;
}

/** Opens what a key's page offers under this name. */
async function open(visitor, id, step) {
  await visitor.page.goto(`/settings/api-keys/${id}`);
  await visitor.page.getByRole("link", { name: step, exact: true }).click();
}

the.visitTwice("a restricted key is created, and its value shown", async (visitor) => {
  const { page } = visitor;
  const { admin } = await administrator(visitor);
  await admin.saveChannel("wa-orders", "Orders");
  await admin.saveChannel("wa-jobs", "Jobs");
  await page.getByRole("link", { name: "Create key" }).click();
  await page.getByLabel("Name", { exact: true }).fill("CRM integration");
  await page.getByLabel("Description").fill("Copies chats.\nEvery night.");
  await page.getByLabel("Read chats and messages").check();
  await page.getByLabel("Manage contacts").check();
  await page.getByLabel("Only these channels").check();
  await page.getByLabel("Orders").check();
  await page.getByLabel("IP whitelist").fill("127.0.0.1\n203.0.113.0/24");
  await page.getByLabel("In 30 days").check();
  await page.getByLabel("Tier").selectOption({ label: "Standard: 1,000 requests an hour" });
  await button(page, "Review").click();
  await visitor.says("Nothing is created yet.");
  const summary = page.locator(".summary");
  for (const words of ["Read chats and messages", "Manage contacts", "Orders", "203.0.113.0/24", "1,000 requests an hour"]) {
    await summary.getByText(words).waitFor();
  }
  assert.equal((await admin.keys()).length, 1);
  await button(page, "Create key").click();
  await visitor.heading("Store your new key");
  assert.match(await page.locator("#key-value").textContent(), VALUE);
  await page.getByRole("link", { name: "I have stored it" }).click();
  await visitor.heading("CRM integration");
  const [key] = await admin.keys("&search=CRM");
  assert.deepEqual(key.permissions, ["chats:read", "contacts:manage"]);
  assert.deepEqual(key.channelScopes, ["wa-orders"]);
  assert.deepEqual(key.ipWhitelist, ["127.0.0.1", "203.0.113.0/24"]);
  assert.equal(key.description, "Copies chats.\nEvery night.");
  const days = (Date.parse(key.expiresAt) - Date.now()) / 86_400_000;
  assert.ok(days > 29.9 && days < 30.1, key.expiresAt);
});

the.visitTwice("every fault stands beside its field, and what was typed is kept", async (visitor) => {
  const { page } = visitor;
  const { admin } = await administrator(visitor);
  await page.goto("/settings/api-keys/new");
  await page.getByLabel("Name", { exact: true }).fill(" ");
  await page.getByLabel("Description").fill("stays");
  await page.getByLabel("IP whitelist").fill("203.0.113.7\n10.0.0.1/8\nlocalhost");
  await page.getByLabel("At the end of a day").check();
  await button(page, "Create key").click();
  await page.locator("#faults").waitFor();
  for (const text of ["line 2", "10.0.0.0/8", "line 3", "Choose at least one"]) await visitor.says(text);
  for (const [label, value] of [["Name", " "], ["Description", "stays"], ["IP whitelist", "203.0.113.7\n10.0.0.1/8\nlocalhost"]]) {
    assert.equal(await page.getByLabel(label, label === "Name" ? { exact: true } : {}).inputValue(), value);
  }
  assert.ok(await page.getByLabel("At the end of a day").isChecked());
  assert.equal((await admin.keys()).length, 1);
});

the.visitTwice("loading the page of a new value again makes no second key", async (visitor) => {
  const { page } = visitor;
  const { admin } = await administrator(visitor);
  await page.goto("/settings/api-keys/new");
  await page.getByLabel("Name", { exact: true }).fill("Once");
  await page.getByLabel("Send messages").check();
  await button(page, "Create key").click();
  await visitor.heading("Store your new key");
  const value = await page.locator("#key-value").textContent();
  page.on("dialog", (dialog) => dialog.accept());
  await page.reload();
  await visitor.heading("This form was already sent");
  assert.ok(!(await page.content()).includes(value));
  assert.equal((await admin.keys()).length, 2);
});

the.visit("a form tells what the key will be able to do while it is filled in", {}, async (visitor) => {
  const { page } = visitor;
  await administrator(visitor);
  await page.goto("/settings/api-keys/new");
  const summary = page.locator(".summary");
  await page.getByLabel("Send messages").check();
  await summary.getByText("Send messages").waitFor();
  await button(page, "Use my address").click();
  assert.equal(await page.getByLabel("IP whitelist").inputValue(), "127.0.0.1");
  await summary.getByText("127.0.0.1").waitFor();
  await button(page, "Select all or none").click();
  for (const words of ["Manage contacts", "Access templates"]) await summary.getByText(words).waitFor();
});

the.visit("the script tells of a form in the words of the server", {}, async (visitor) => {
  const { page } = visitor;
  const { admin } = await administrator(visitor);
  await admin.saveChannel("wa-orders", "Orders");
  await page.goto("/settings/api-keys/new");
  await page.getByLabel("Name", { exact: true }).fill("Told");
  await page.getByLabel("Read chats and messages").check();
  const told = () => page.locator(".summary dd bdi").allTextContents();
  const days = [["In 30 days"], ["Never"], ["At the end of a day", "2031-02-28"], ["At the end of a day", "9999-12-31"]];
  for (const [index, [expiry, day]] of days.entries()) {
    await page.getByLabel(expiry).check();
    if (day) await page.getByLabel("Day", { exact: true }).fill(day);
    await page.getByLabel(index % 2 ? "Only these channels" : "Every channel").check();
    if (index % 2) await page.getByLabel("Orders").check();
    await page.getByLabel("Tier").selectOption(index % 2 ? "admin" : "standard");
    const live = await told();
    // What the server says, before a script says anything.
    const answer = page.waitForResponse((response) => response.request().method() === "POST");
    await button(page, "Review").click();
    const html = await (await answer).text();
    await visitor.says("Nothing is created yet.");
    const summary = html.split('class="card summary"')[1].split("</section>")[0];
    const said = [...summary.matchAll(/<bdi>([^<]*)<\/bdi>/g)].map(([, words]) => words);
    // Between the two, a length from now goes on by a second or more.
    const steady = (words) => words.map((word) => word.replace(/:\d\d:\d\d UTC/, " UTC"));
    assert.deepEqual(steady(live), steady(said), expiry);
  }
});

the.visit("a countdown ends in words", {}, async (visitor) => {
  const { page } = visitor;
  const { admin } = await administrator(visitor);
  const key = await admin.createKey({ name: "Overlapping" });
  await admin.done("POST", `/api-keys/${key.id}/regenerate`, { overlapSeconds: 3600 });
  await page.clock.install();
  await page.goto(`/settings/api-keys/${key.id}`);
  await visitor.says("Two values work for another 00:5");
  await page.clock.fastForward("01:00:01");
  await visitor.says("The overlap has ended: reload the page.");
  assert.equal(await page.getByText("00:00:00").count(), 0);
});

the.visit("a value is copied, which is said, and leaving without it is asked about", {}, async (visitor) => {
  const { page, context } = visitor;
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: the.server.url });
  await administrator(visitor);
  await page.goto("/settings/api-keys/new");
  await page.getByLabel("Name", { exact: true }).fill("Copied");
  await page.getByLabel("Send messages").check();
  await button(page, "Create key").click();
  await visitor.heading("Store your new key");
  await button(page, "Copy").click();
  await button(page, "Copied").waitFor();
  await page.locator("#announcer").getByText("Copied").waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(copied, await page.locator("#key-value").textContent());
  const asked = page.waitForEvent("dialog");
  const left = page.getByRole("link", { name: "Channels" }).click();
  const dialog = await asked;
  assert.equal(dialog.type(), "beforeunload");
  await dialog.dismiss();
  await left;
  await visitor.heading("Store your new key");
  await page.getByRole("link", { name: "I have stored it" }).click();
  await visitor.heading("Copied");
});

the.visitTwice("a key is edited", async (visitor) => {
  const { page } = visitor;
  const { admin } = await administrator(visitor);
  const key = await admin.createKey({ name: "Before", ipWhitelist: ["203.0.113.7"] });
  await open(visitor, key.id, "Edit");
  await page.getByLabel("Name", { exact: true }).fill("After");
  await page.getByLabel("Send messages").check();
  await page.getByLabel("IP whitelist").fill("");
  await button(page, "Save changes").click();
  await visitor.heading("After");
  await visitor.says("The changes are saved.");
  const after = await admin.readKey(key.id);
  assert.deepEqual([after.name, after.permissions, after.ipWhitelist], ["After", ["chats:read", "messages:send"], null]);
});

the.visitTwice("a key is regenerated, with and without an overlap", async (visitor) => {
  const { page } = visitor;
  const { admin } = await administrator(visitor);
  const key = await admin.createKey({ name: "Rotated" });
  const works = async (value) => (await admin.done("POST", "/verify", { key: value })).valid;
  await open(visitor, key.id, "Regenerate");
  await page.getByLabel("In 24 hours").check();
  await button(page, "Regenerate key").click();
  await visitor.heading("Store the new value");
  const second = await page.locator("#key-value").textContent();
  assert.ok((await works(key.key)) && (await works(second)));
  await page.getByRole("link", { name: "I have stored it" }).click();
  await visitor.says("Two values work");
  await visitor.says("still in use");
  await page.getByRole("link", { name: "Regenerate" }).click();
  await page.getByLabel("Now").check();
  await button(page, "Regenerate key").click();
  await visitor.heading("Store the new value");
  const third = await page.locator("#key-value").textContent();
  assert.deepEqual([await works(key.key), await works(second), await works(third)], [false, false, true]);
});

the.visitTwice("a key is revoked, reactivated and deleted", async (visitor) => {
  const { page } = visitor;
  const { admin } = await administrator(visitor);
  const key = await admin.createKey({ name: "Old shop" });
  await admin.done("POST", "/verify", { key: key.key });
  await open(visitor, key.id, "Revoke");
  await visitor.says("Last used just now.");
  await page.getByLabel("Reason").fill("It moved <b>away</b>.");
  await button(page, "Revoke key").click();
  await visitor.says("The key is revoked.");
  await visitor.says("It moved <b>away</b>.");
  assert.equal((await admin.readKey(key.id)).status, "revoked");
  await page.getByRole("link", { name: "Reactivate" }).click();
  await button(page, "Reactivate key").click();
  await visitor.says("The key is active again.");
  assert.equal((await admin.readKey(key.id)).status, "active");
  await page.getByRole("link", { name: "Delete", exact: true }).click();
  await page.getByLabel("Name of the key").fill("Old shop!");
  await button(page, "Delete key").click();
  await page.locator("#faults").waitFor();
  await page.getByLabel("Name of the key").fill("Old shop");
  await button(page, "Delete key").click();
  await visitor.heading("API keys");
  assert.equal((await admin.call("GET", `/api-keys/${key.id}`)).status, 404);
  assert.equal((await page.goto(`/settings/api-keys/${key.id}`)).status(), 404);
});

the.visitTwice("a key's page tells what was done with it", async (visitor) => {
  const { page } = visitor;
  const { admin } = await administrator(visitor);
  const key = await admin.createKey({ name: "Busy" });
  for (let call = 0; call < 3; call++) await admin.done("POST", "/verify", { key: key.key });
  await admin.done("POST", "/verify", { key: key.key, permissions: ["messages:send"] });
  await page.goto(`/settings/api-keys/${key.id}`);
  await visitor.says("997 of 1,000 requests an hour left");
  await visitor.says("3 admitted");
  await visitor.says("insufficient_permissions");
  await page.getByText("As a table").first().click();
  const row = page.getByRole("table", { name: "Last 24 hours" }).getByRole("row").nth(1);
  assert.deepEqual(await row.getByRole("cell").allTextContents(), ["3", "1"]);
  await page.locator(".timeline").getByText("Key created").waitFor();
});
