// Names and ids as long as they may be, without a place to break them, on narrow and on wide windows.
import assert from "node:assert/strict";

import { world } from "./lib/world.js";

const the = await world();
const NAME = "Unbroken".repeat(13).slice(0, 100);
const CHANNEL = "c".repeat(64);

the.visit("no page is wider than its window, whatever people named", {}, async (visitor) => {
  const { page } = visitor;
  const { id, admin } = await the.server.api().organization(NAME);
  await admin.saveChannel(CHANNEL, NAME);
  const manager = await admin.createKey({ name: NAME, permissions: ["api_keys:read", "api_keys:manage", "audit:read", "channels:manage", "chats:read"] });
  const expiresAt = new Date(Date.now() + 86_400_000).toISOString();
  const key = await admin.createKey({ name: NAME, channelScopes: [CHANNEL], ipWhitelist: ["2001:db8:1111:2222:3333:4444:5555:6666"], expiresAt });
  const regenerated = await admin.createKey({ name: NAME });
  await admin.done("POST", `/api-keys/${regenerated.id}/regenerate`, { overlapSeconds: 3600 });
  const revoked = await admin.createKey({ name: `${NAME.slice(0, 99)}2` });
  await the.server.api(manager.key).done("POST", `/api-keys/${revoked.id}/revoke`, { reason: NAME.repeat(5) });
  await the.server.api(manager.key).saveChannel(CHANNEL, NAME);
  await visitor.signIn(manager.key);
  const of = (key) => `/settings/api-keys/${key.id}`;
  const paths = [
    "/settings/api-keys",
    `/settings/api-keys?search=${NAME}`,
    "/settings/api-keys/new",
    of(key),
    of(regenerated),
    of(revoked),
    ...["edit", "regenerate", "revoke", "delete"].map((step) => `${of(regenerated)}/${step}`),
    "/settings/channels",
    `/settings/channels/edit?channel=${CHANNEL}`,
    `/settings/channels/remove?channel=${CHANNEL}`,
    "/settings/audit-log",
  ];
  await within(page, paths);
  await visitor.context.clearCookies();
  await visitor.signIn(the.server.rootKey);
  await within(page, ["/settings/organizations", `/settings/organizations/${id}`]);
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    await page.goto(`/settings/organizations/${id}`);
    await page.getByRole("button", { name: "Switch to it" }).click();
    await visitor.says("You now see the organization");
    await fits(page, width);
    await page.goto(`/settings/organizations`);
    await page.getByRole("button", { name: "Switch to Default" }).click();
    await visitor.says("You now see the organization");
  }
});

const WIDTHS = [360, 1280];

async function within(page, paths) {
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    for (const path of paths) {
      assert.equal((await page.goto(path)).status(), 200, path);
      await page.locator("details").evaluateAll((all) => all.forEach((details) => (details.open = true)));
      await fits(page, width);
    }
  }
}

/** Neither the page nor what stands on it goes beyond the window. */
async function fits(page, width) {
  const { scroll, client, beyond } = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    const shown = [...document.querySelectorAll("main *:not(.visually-hidden, pre *)")];
    const beyond = shown.filter((element) => element.checkVisibility() && element.getBoundingClientRect().right > clientWidth + 1);
    return { scroll: scrollWidth, client: clientWidth, beyond: beyond.slice(0, 3).map(({ outerHTML }) => outerHTML.slice(0, 120)) };
  });
  const place = `${page.url()} at ${width}`;
  assert.ok(scroll <= client, `${place}: ${scroll} > ${client}: ${beyond.join("\n")}`);
  assert.deepEqual(beyond, [], place);
}
