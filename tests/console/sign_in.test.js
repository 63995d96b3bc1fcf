// Signing in, signing out, and the end of a session.
import assert from "node:assert/strict";

import { world } from "./lib/world.js";

const the = await world();
const LIST = "/settings/api-keys";

the.visitTwice("a key signs in and out", async (visitor) => {
  const { page } = visitor;
  await page.goto(LIST);
  await visitor.heading("Sign in");
  await visitor.signIn(the.server.rootKey);
  await visitor.says("Root key");
  await page.getByRole("button", { name: "Sign out" }).click();
  await visitor.says("You are signed out.");
  await page.goBack();
  await page.goto(LIST);
  await visitor.heading("Sign in");
});

the.visitTwice("a sign-in leads where one was going", async (visitor) => {
  const { page } = visitor;
  await page.goto("/settings/api-keys?search=root&sort=name&order=asc");
  await page.getByLabel("API key").fill(the.server.rootKey);
  await page.getByRole("button", { name: "Sign in" }).click();
  await visitor.heading("API keys");
  assert.equal(new URL(page.url()).search, "?search=root&sort=name&order=asc");
});

the.visitTwice("what is no key is told, and not shown again", async (visitor) => {
  const { page } = visitor;
  await page.goto("/settings/sign-in");
  await page.getByLabel("API key").fill("qwt_not-a-key");
  await page.getByLabel("API key").press("Enter");
  await visitor.says("This is no key that works.");
  assert.equal(await page.getByLabel("API key").inputValue(), "");
  assert.ok(!(await page.content()).includes("qwt_not-a-key"));
});

the.visitTwice("a session ends with its key", async (visitor) => {
  const { page } = visitor;
  const key = await the.server.api().createKey({ name: "Short-lived", permissions: ["api_keys:read"] });
  await visitor.signIn(key.key);
  await the.server.api().revoke(key.id);
  await page.getByRole("link", { name: "Channels" }).click();
  await visitor.heading("Sign in");
  await visitor.says("Your session has ended.");
  await page.getByLabel("API key").fill(key.key);
  await page.getByRole("button", { name: "Sign in" }).click();
  await visitor.says("This is no key that works.");
});
