// The list of keys.
import assert from "node:assert/strict";

import { world } from "./lib/world.js";

const the = await world();
const root = the.server.api();
const bakery = await root.organization();
const { admin } = bakery;
for (let number = 1; number <= 30; number++) {
  await admin.createKey({ name: `Key ${String(number).padStart(2, "0")}`, permissions: ["chats:read", "messages:send", "templates:read"] });
}
const [revoked] = await admin.keys("&search=Key%2005");
await admin.revoke(revoked.id);
await admin.createKey({ name: "Soon", expiresAt: new Date(Date.now() + 3 * 86_400_000).toISOString() });

const names = (page) => page.locator("tbody .key-name").allTextContents();

the.visitTwice("search, status and order are in the address", async (visitor) => {
  const { page } = visitor;
  await visitor.signIn(bakery.adminKey.key);
  await page.getByLabel("Search").fill("KEY 0");
  await page.getByLabel("Status").selectOption({ label: "Active" });
  await page.getByLabel("Sort by").selectOption({ label: "Name" });
  await page.getByLabel("Order").selectOption({ label: "Ascending" });
  await page.getByRole("button", { name: "Show" }).click();
  await page.waitForURL(/search=KEY/);
  const expected = [1, 2, 3, 4, 6, 7, 8, 9].map((number) => `Key 0${number}`);
  assert.deepEqual(await names(page), expected);
  const again = await visitor.window();
  await again.goto(page.url());
  assert.deepEqual(await names(again), expected);
  assert.equal(await again.getByLabel("Search").inputValue(), "KEY 0");
});

the.visitTwice("pages are turned, and columns sorted by", async (visitor) => {
  const { page } = visitor;
  await visitor.signIn(bakery.adminKey.key);
  await page.getByRole("columnheader", { name: "Name" }).getByRole("link").click();
  await page.waitForURL(/sort=name/);
  assert.equal((await names(page))[0], "Admin");
  await page.getByRole("link", { name: "Next" }).click();
  await page.waitForURL(/page=2/);
  assert.deepEqual(await names(page), ["Key 25", "Key 26", "Key 27", "Key 28", "Key 29", "Key 30", "Soon"]);
  await page.getByRole("link", { name: "Previous" }).click();
  await page.waitForURL((url) => !url.searchParams.has("page"));
  await page.getByRole("columnheader", { name: "Name" }).getByRole("link").click();
  await page.waitForURL(/order=desc/);
  assert.equal((await names(page))[0], "Soon");
});

the.visitTwice("a key that expires soon is told of", async (visitor) => {
  const { page } = visitor;
  await visitor.signIn(bakery.adminKey.key);
  await visitor.says("1 key expires within 7 days.");
  const row = page.getByRole("row", { name: "Soon" });
  await row.getByText("Expiring soon").waitFor();
  assert.match(await row.locator("time[title]").first().getAttribute("title"), /UTC$/);
});

the.visitTwice("nothing matches is another page than no keys yet", async (visitor) => {
  const { page } = visitor;
  const empty = await root.organization("Empty");
  await visitor.signIn(empty.adminKey.key);
  await page.goto("/settings/api-keys?search=zebra");
  await visitor.says("Nothing matches");
  await page.getByRole("main").getByRole("link", { name: "Show all keys" }).first().click();
  await page.getByRole("row", { name: "Admin" }).waitFor();

  const opened = await root.done("POST", "/organizations", { name: "Just opened" });
  await visitor.signIn(the.server.rootKey);
  await page.goto(`/settings/organizations/${opened.id}`);
  await page.getByRole("button", { name: "Switch to it" }).click();
  await visitor.says("No keys yet");
  await visitor.says("curl");
  await page.getByRole("link", { name: "Create the first key" }).click();
  await visitor.heading("Create an API key");
});

the.visitTwice("whoever may only read is offered nothing else", async (visitor) => {
  const { page } = visitor;
  const reader = await admin.createKey({ name: "Reader", permissions: ["api_keys:read"] });
  await visitor.signIn(reader.key);
  assert.equal(await page.getByRole("link", { name: "Create key" }).count(), 0);
  const sections = await page.getByRole("navigation", { name: "Settings" }).getByRole("link").allTextContents();
  assert.deepEqual(sections, ["API keys", "Channels"]);
  await page.getByRole("link", { name: "Reader" }).click();
  await visitor.heading("Reader");
  for (const name of ["Edit", "Regenerate", "Revoke", "Delete"]) {
    assert.equal(await page.getByRole("link", { name, exact: true }).count(), 0, name);
  }
  for (const path of ["/settings/api-keys/new", `/settings/api-keys/${revoked.id}/revoke`, "/settings/audit-log", "/settings/organizations"]) {
    assert.equal((await page.goto(path)).status(), 403, path);
  }
  await admin.done("DELETE", `/api-keys/${reader.id}`);
});
