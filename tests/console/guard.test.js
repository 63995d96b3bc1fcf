// What the console keeps out, and what it keeps to itself.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after } from "node:test";

import { world } from "./lib/world.js";

const the = await world();
const root = the.server.api();
const button = (page, name) => page.getByRole("button", { name, exact: true });

// Names that would do something if they were anything but text. What turns text around is refused before it is a name.
const HOSTILE = [
  `"><img src=x onerror="document.title='owned'"><script>document.title="owned"</script>`,
  `' onfocus='document.title=1' autofocus=' javascript:alert(1)// {{7*7}} \${7*7} &lt;i&gt; &amp;`,
  "</title></style></textarea></option></bdi><b>bold</b>",
];

the.visitTwice("what people typed is text wherever it is shown", async (visitor) => {
  const { page } = visitor;
  for (const name of HOSTILE) {
    const { admin, adminKey, id } = await root.organization(name);
    await admin.saveChannel("wa", name);
    const key = await admin.createKey({ name, description: name, channelScopes: ["wa"] });
    await admin.done("POST", `/api-keys/${key.id}/revoke`, { reason: name });
    await visitor.signIn(adminKey.key);
    const search = encodeURIComponent(name);
    const paths = [
      `/settings/api-keys?search=${search}`,
      `/settings/api-keys?search=${search}nothing`,
      `/settings/api-keys/${key.id}`,
      `/settings/api-keys/${key.id}/edit`,
      `/settings/api-keys/${key.id}/delete`,
      `/settings/api-keys/${key.id}/reactivate`,
      "/settings/api-keys/new",
      "/settings/channels",
      "/settings/channels/edit?channel=wa",
      "/settings/channels/remove?channel=wa",
      `/settings/audit-log?keyId=${key.id}`,
      "/settings/audit-log",
      `/settings/audit-log?keyId=${search}`,
    ];
    await inert(page, paths, name);
    await visitor.signIn(the.server.rootKey);
    await inert(page, ["/settings/organizations", `/settings/organizations/${id}`], name);
  }
});

async function inert(page, paths, name) {
  for (const path of paths) {
    await page.goto(path);
    assert.match(await page.title(), / · Qwetty$/, path);
    const written = await page.locator("main img, main script, main b, main i, main u, main [onfocus], main [onerror]").count();
    assert.equal(written, 0, path);
    const shown = await page.evaluate(() => document.body.innerText + [...document.querySelectorAll("input, textarea")].map((input) => input.value).join("\n"));
    assert.ok(shown.includes(name), `${path} does not show ${name}`);
  }
}

the.visitTwice("a name that would turn the text around it is refused", async (visitor) => {
  const { page } = visitor;
  await visitor.signIn(the.server.rootKey);
  await page.goto("/settings/api-keys/new");
  await page.getByLabel("Name", { exact: true }).fill("gnp.\u202eexe");
  await page.getByLabel("Send messages").check();
  await button(page, "Create key").click();
  await page.locator("#faults").waitFor();
  await visitor.says("U+202E");
});

/** A site of somebody else's, whose only page sends a form to the console as soon as its button is pressed. */
async function elsewhere(action, fields) {
  const inputs = Object.entries(fields).map(([name, value]) => `<input name="${name}" value="${value}">`).join("");
  const body = `<!doctype html><title>Elsewhere</title><form method="post" action="${action}">${inputs}<button>Win a prize</button></form>`;
  const site = createServer((_, response) => response.setHeader("content-type", "text/html").end(body));
  await new Promise((resolve) => site.listen(0, "127.0.0.1", resolve));
  after(() => site.close());
  return site.address().port;
}

for (const host of ["127.0.0.1", "localhost"]) {
  // Of another port is of another origin, though of the same site; `localhost` is another site.
  the.visit(`a form on another origin is refused: ${host}`, { ignoresOthers: true }, async (visitor) => {
    const { page } = visitor;
    await visitor.signIn(the.server.rootKey);
    await page.goto("/settings/channels/new");
    const csrf = await page.locator("input[name=csrf]").last().inputValue();
    // Even with the token of this very session.
    const fields = { csrf, id: "stolen", name: "Stolen", type: "whatsapp" };
    const port = await elsewhere(`${the.server.url}/settings/channels/new`, fields);
    await page.goto(`http://${host}:${port}/`);
    const [answer] = await Promise.all([page.waitForResponse(`${the.server.url}/settings/channels/new`), button(page, "Win a prize").click()]);
    assert.equal(answer.status(), 403);
    assert.deepEqual(await root.done("GET", "/channels"), []);
    await page.goto("/settings/api-keys");
    await visitor.heading("API keys");
  });
}

the.visit("no other site shows the console in a frame", { ignoresOthers: true }, async (visitor) => {
  const { page } = visitor;
  const site = createServer((_, response) =>
    response.setHeader("content-type", "text/html").end(`<!doctype html><iframe src="${the.server.url}/settings/sign-in"></iframe>`),
  );
  await new Promise((resolve) => site.listen(0, "127.0.0.1", resolve));
  after(() => site.close());
  const refused = page.waitForEvent("console", (message) => /frame-ancestors|X-Frame-Options/i.test(message.text()));
  await page.goto(`http://127.0.0.1:${site.address().port}/`);
  await refused;
  assert.equal(await page.frames()[1].getByLabel("API key").count(), 0);
});

the.visitTwice("a key value is on its one page and nowhere else", async (visitor) => {
  const { page, context } = visitor;
  const addresses = [];
  page.on("request", (request) => addresses.push(request.url(), request.headers().referer ?? ""));
  await visitor.signIn(the.server.rootKey);
  await page.goto("/settings/api-keys/new");
  await page.getByLabel("Name", { exact: true }).fill(`Secret ${visitor.hasScript}`);
  await page.getByLabel("Read API keys").check();
  const [answer] = await Promise.all([
    page.waitForResponse((response) => response.request().method() === "POST"),
    button(page, "Create key").click(),
  ]);
  await visitor.heading("Store your new key");
  assert.equal(answer.status(), 200);
  assert.equal(answer.headers()["cache-control"], "no-store");
  const value = await page.locator("#key-value").textContent();
  const kept = await page.evaluate(() => JSON.stringify([location.href, history.state, document.cookie, { ...localStorage }, { ...sessionStorage }, document.title]));
  const cookies = JSON.stringify(await context.cookies());
  assert.ok(!kept.includes(value) && !cookies.includes(value) && !cookies.includes(the.server.rootKey));
  for (const { httpOnly, sameSite, path } of await context.cookies()) {
    assert.deepEqual([httpOnly, sameSite, path], [true, "Strict", "/settings"]);
  }

  await page.getByRole("link", { name: "I have stored it" }).click();
  await visitor.heading(`Secret ${visitor.hasScript}`);
  assert.ok(!(await page.content()).includes(value));
  // Back leads to the form's answer, which the browser does not have any more.
  assert.ok(!(await contentOneBack(page)).includes(value));
  await page.goto("/settings/api-keys");
  await page.getByRole("button", { name: "Sign out" }).click();
  await visitor.says("You are signed out.");
  assert.ok(!(await contentOneBack(page)).includes(value));
  assert.ok(!addresses.some((address) => address.includes(value) || address.includes(the.server.rootKey)));
  const atServer = await the.server.everythingKept();
  assert.ok(atServer.length > 10_000 && !atServer.includes(value) && !atServer.includes(the.server.rootKey));
});

/** What the page before this one shows now; a browser that cannot show it any more has a page of its own for that. */
async function contentOneBack(page) {
  const arrived = page.waitForEvent("framenavigated");
  await page.goBack().catch(() => {});
  await arrived;
  await page.waitForLoadState();
  return page.content();
}
