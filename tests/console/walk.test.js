// The whole way of a person who has never seen the console: a restricted key is issued, copied, used with the line that
// is shown, seen to be used, regenerated with an overlap, and revoked. By mouse, and by keyboard alone.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { world } from "./lib/world.js";

const the = await world();
const root = the.server.api();
const run = promisify(execFile);

/** Points, clicks and types. */
class Mouse {
  constructor(page) {
    this.page = page;
  }

  press(target) {
    return target.click();
  }

  async type(target, text) {
    await target.click();
    await this.page.keyboard.type(text);
  }

  pick(target) {
    return target.click();
  }
}

/** Has no mouse: goes with Tab to what the focus stops at, and sees where it is. */
class Keyboard {
  constructor(page) {
    this.page = page;
  }

  async go(target) {
    for (let stop = 0; stop < 120; stop++) {
      await this.page.keyboard.press("Tab");
      if (await target.evaluate((element) => element === document.activeElement)) {
        const outline = await target.evaluate((element) => getComputedStyle(element).outlineStyle);
        assert.notEqual(outline, "none", "the focus is not to be seen");
        return;
      }
    }
    throw new Error(`the focus does not come to ${target}`);
  }

  async press(target) {
    await this.go(target);
    await this.page.keyboard.press("Enter");
  }

  async type(target, text) {
    await this.go(target);
    await this.page.keyboard.type(text);
  }

  async pick(target) {
    // Of a group of radio buttons the focus stops at the one that is chosen; arrows go on from there.
    if ((await target.getAttribute("type")) !== "radio") {
      await this.go(target);
      return this.page.keyboard.press("Space");
    }
    const name = await target.getAttribute("name");
    await this.go(this.page.locator(`input[name=${name}]:checked`));
    for (let arrow = 0; arrow < 10 && !(await target.isChecked()); arrow++) await this.page.keyboard.press("ArrowDown");
    assert.ok(await target.isChecked());
  }
}

for (const Hand of [Mouse, Keyboard]) {
  the.visit(`a key's whole life, by ${Hand.name.toLowerCase()}`, {}, async (visitor) => {
    const { page, context } = visitor;
    await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: the.server.url });
    const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
    const { adminKey, admin } = await root.organization();
    const hand = new Hand(page);
    const main = page.getByRole("main");
    const link = (name) => main.getByRole("link", { name, exact: true });
    const button = (name) => page.getByRole("button", { name, exact: true });
    const field = (label) => page.getByLabel(label, { exact: true });
    const me = async (value) => (await fetch(`${the.server.url}/api/v1/me`, { headers: { authorization: `Bearer ${value}` } })).status;

    await page.goto("/settings/api-keys");
    await hand.type(field("API key"), adminKey.key);
    await hand.press(button("Sign in"));
    await hand.press(link("Create key"));
    await visitor.heading("Create an API key");
    await hand.type(field("Name"), "CRM integration");
    await hand.pick(page.getByLabel("Read chats and messages"));
    await hand.press(button("Use my address"));
    await hand.pick(page.getByLabel("In 30 days"));
    await hand.press(button("Create key"));
    await visitor.heading("Store your new key");

    await hand.press(button("Copy"));
    await button("Copied").waitFor();
    const value = await clipboard();
    assert.match(value, /^qwt_[0-9A-Za-z]{49}$/);
    await hand.press(button("Copy the command"));
    await page.waitForFunction(() => navigator.clipboard.readText().then((text) => text.startsWith("curl")));
    const { stdout } = await run("bash", ["-c", await clipboard()]);
    assert.equal(JSON.parse(stdout).data.name, "CRM integration");
    await hand.press(link("I have stored it"));
    await visitor.heading("CRM integration");

    const requests = page.locator("dt", { hasText: /^Requests$/ }).locator("xpath=following-sibling::dd");
    assert.equal(await requests.textContent(), "1");

    await hand.press(link("Regenerate"));
    await visitor.heading("Regenerate the key");
    await hand.pick(page.getByLabel("In 1 hour"));
    await hand.press(button("Regenerate key"));
    await visitor.heading("Store the new value");
    await hand.press(button("Copy"));
    await button("Copied").waitFor();
    const second = await clipboard();
    assert.notEqual(second, value);
    assert.deepEqual([await me(value), await me(second)], [200, 200]);
    await hand.press(link("I have stored it"));
    await visitor.says("Two values work");
    assert.match(await page.locator("time[data-countdown]").textContent(), /^00:59:\d\d$/);
    assert.equal(await requests.textContent(), "3");

    await hand.press(link("Revoke"));
    await visitor.says("Last used just now.");
    await hand.press(button("Revoke key"));
    await visitor.says("The key is revoked.");
    assert.deepEqual([await me(value), await me(second)], [401, 401]);
    const [key] = await admin.keys("&search=CRM");
    assert.deepEqual([key.status, key.permissions, key.ipWhitelist], ["revoked", ["chats:read"], ["127.0.0.1"]]);
  });
}
