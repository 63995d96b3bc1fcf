// An organization with many keys.

import assert from "node:assert/strict";

/** As many keys, `Key 00000` and so on; gives the organization. */
export async function manyKeys(server, name, count) {
  const organization = await server.api().organization(name);
  // The administrator's own key is one of them.
  let next = 0;
  const worker = async () => {
    while (next < count - 1) {
      const number = next++;
      const permissions = ["chats:read", "messages:send", "templates:read"].slice(0, 1 + (number % 3));
      await organization.admin.createKey({ name: `Key ${String(number).padStart(5, "0")}`, description: "One of many.", permissions });
    }
  };
  await Promise.all(Array.from({ length: 32 }, worker));
  return organization;
}

/** The list of keys as the holder of this key is shown it. */
export async function lister(visitor, organization) {
  await visitor.signIn(organization.adminKey.key);
  const cookies = await visitor.context.cookies();
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join("; ");
  return async (query = "") => {
    const answer = await fetch(`${visitor.server.url}/settings/api-keys${query}`, { headers: { cookie } });
    const page = await answer.text();
    if (answer.status !== 200) throw new Error(`${answer.status}: ${page}`);
    return page;
  };
}

/** The names on every page of a list, page after page. */
export async function allPages(list, query = "?") {
  const names = [];
  for (let page = 1; ; page++) {
    const html = await list(`${query}&page=${page}`.replace("?&", "?"));
    const rows = html.split("<tbody")[1]?.matchAll(/class="key-name"[^>]*><bdi>([^<]*)</g) ?? [];
    names.push(...[...rows].map(([, name]) => name));
    if (!html.includes('rel="next"')) return names;
  }
}

/** Fails unless every key stands once on the pages of each order, and in that order. */
export async function mustBeComplete(list, count) {
  const expected = ["Admin", ...Array.from({ length: count - 1 }, (_, number) => `Key ${String(number).padStart(5, "0")}`)];
  assert.deepEqual(await allPages(list, "?sort=name&order=asc"), expected);
  assert.deepEqual(await allPages(list, "?sort=name&order=desc"), expected.toReversed());
  for (const query of ["?", "?sort=lastUsedAt&order=desc", "?status=active&sort=requestCount&order=desc"]) {
    assert.deepEqual((await allPages(list, query)).sort(), expected);
  }
  const found = expected.filter((name) => name.startsWith("Key 000"));
  assert.deepEqual(await allPages(list, "?search=KEY+000&sort=name&order=asc"), found);
}
