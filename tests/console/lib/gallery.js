// Every page of the console, with something on it to see: for what is held against all of them.

const DAY = 24 * 60 * 60 * 1000;
const inDays = (days) => new Date(Date.now() + days * DAY).toISOString();

/** An organization with channels, with keys of every status, and with something in its log. */
export async function furnish(server) {
  const root = server.api();
  const bakery = await root.organization("Nordlicht Bakery");
  const { admin } = bakery;
  await admin.saveChannel("wa-orders", "Orders", "whatsapp");
  await admin.saveChannel("ig-nordlicht", "@nordlicht.bakery", "instagram");
  await admin.saveChannel("web-support", "Support on the website", "web_chat");
  const crm = await admin.createKey({
    name: "CRM integration",
    description: "Copies chats and contacts into the CRM every night.",
    permissions: ["chats:read", "contacts:manage", "templates:read"],
    channelScopes: ["wa-orders", "web-support"],
    ipWhitelist: ["127.0.0.1", "203.0.113.0/24", "2001:db8::/32"],
  });
  const bot = await admin.createKey({ name: "Reply bot", permissions: ["chats:read", "messages:send"], expiresAt: inDays(3) });
  const trial = await admin.createKey({ name: "Agency trial", permissions: ["chats:read"], expiresAt: new Date(Date.now() + 1200).toISOString() });
  const old = await admin.createKey({ name: "Old shop", permissions: ["templates:send"] });
  await admin.createKey({ name: "Newsletter", permissions: ["templates:read", "templates:send"], channelScopes: ["wa-orders"] });
  for (let call = 0; call < 42; call++) {
    const permissions = [call % 7 ? "chats:read" : "messages:send"];
    await admin.done("POST", "/verify", { key: crm.key, permissions, ip: "127.0.0.1" });
  }
  for (let call = 0; call < 9; call++) await admin.done("POST", "/verify", { key: bot.key });
  await admin.done("POST", `/api-keys/${bot.id}/regenerate`, { overlapSeconds: 86400 });
  await admin.done("POST", "/verify", { key: bot.key });
  await admin.done("POST", `/api-keys/${old.id}/revoke`, { reason: "The shop moved to another system." });
  await root.done("POST", "/organizations", { name: "Harbour Café" });
  const empty = await root.done("POST", "/organizations", { name: "Just opened" });
  while ((await admin.readKey(trial.id)).status !== "expired") await new Promise((resolve) => setTimeout(resolve, 100));
  return { bakery, empty, crm, bot, trial, old };
}

/** The pages: a name, where it is, and what is done there before it is looked at. */
export const pages = ({ bakery, empty, crm, bot, old }) => [
  { name: "list", path: "/settings/api-keys" },
  { name: "list-nothing-matches", path: "/settings/api-keys?search=zebra&status=active" },
  { name: "key-create", path: "/settings/api-keys/new" },
  {
    name: "key-create-faults",
    path: "/settings/api-keys/new",
    async act(page) {
      await page.getByLabel("Name", { exact: true }).fill("Backup");
      await page.getByLabel("IP whitelist").fill("203.0.113.7\n203.0.113.9/24\nlocalhost");
      await page.getByRole("button", { name: "Create key" }).click();
      await page.locator("#faults").waitFor();
    },
  },
  {
    name: "key-create-review",
    path: "/settings/api-keys/new",
    async act(page) {
      await page.getByLabel("Name", { exact: true }).fill("Backup");
      await page.getByLabel("Read chats and messages").check();
      await page.getByLabel("Only these channels").check();
      await page.getByLabel("Orders").check();
      await page.getByLabel("Never").check();
      await page.getByRole("button", { name: "Review" }).click();
      await page.getByText("Nothing is created yet.").waitFor();
    },
  },
  {
    name: "key-value",
    path: "/settings/api-keys/new",
    async act(page) {
      await page.getByLabel("Name", { exact: true }).fill("Backup");
      await page.getByLabel("Read chats and messages").check();
      await page.getByRole("button", { name: "Create key" }).click();
      await page.getByRole("heading", { name: "Store your new key" }).waitFor();
    },
  },
  { name: "key", path: `/settings/api-keys/${crm.id}` },
  { name: "key-overlap", path: `/settings/api-keys/${bot.id}` },
  { name: "key-revoked", path: `/settings/api-keys/${old.id}` },
  { name: "key-edit", path: `/settings/api-keys/${crm.id}/edit` },
  { name: "key-regenerate", path: `/settings/api-keys/${crm.id}/regenerate` },
  { name: "key-revoke", path: `/settings/api-keys/${crm.id}/revoke` },
  { name: "key-reactivate", path: `/settings/api-keys/${old.id}/reactivate` },
  { name: "key-delete", path: `/settings/api-keys/${crm.id}/delete` },
  { name: "channels", path: "/settings/channels" },
  { name: "channel-add", path: "/settings/channels/new" },
  {
    name: "channel-add-faults",
    path: "/settings/channels/new",
    async act(page) {
      await page.getByLabel("Id", { exact: true }).fill("not an id");
      await page.getByLabel("Name").fill(" ");
      await page.getByRole("button", { name: "Add channel" }).click();
      await page.locator("#faults").waitFor();
    },
  },
  { name: "channel-edit", path: "/settings/channels/edit?channel=wa-orders" },
  { name: "channel-remove", path: "/settings/channels/remove?channel=wa-orders" },
  { name: "audit-log", path: "/settings/audit-log" },
  {
    name: "audit-log-event",
    path: "/settings/audit-log?action=key.created",
    act: (page) => page.locator("details").first().locator("summary").click(),
  },
  {
    name: "list-empty",
    path: `/settings/organizations/${empty.id}`,
    async act(page) {
      await page.getByRole("button", { name: "Switch to it" }).click();
      await page.getByText("No keys yet").waitFor();
    },
    leave: (page) => back(page, bakery),
  },
  { name: "organizations", path: "/settings/organizations" },
  { name: "organization-create", path: "/settings/organizations/new" },
  { name: "organization", path: `/settings/organizations/${bakery.id}` },
  { name: "organization-empty", path: `/settings/organizations/${empty.id}` },
  { name: "not-found", path: "/settings/api-keys/key_00000000000000000000000000" },
];

async function back(page, organization) {
  await page.goto(`/settings/organizations/${organization.id}`);
  await page.getByRole("button", { name: "Switch to it" }).click();
  await page.getByText("You now see the organization").waitFor();
}

/** Signs a visitor in who sees all of it: an operator, at the bakery. */
export async function enter(visitor, { bakery }) {
  await visitor.signIn(visitor.server.rootKey);
  await back(visitor.page, bakery);
}
