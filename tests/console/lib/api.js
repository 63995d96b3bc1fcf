// The HTTP API, to prepare what a test visits and to see what a visit did.
import assert from "node:assert/strict";

export class Api {
  constructor(url, key) {
    this.url = url;
    this.key = key;
  }

  async call(method, path, body) {
    const headers = { authorization: `Bearer ${this.key}` };
    if (body !== undefined) headers["content-type"] = "application/json";
    const answer = await fetch(`${this.url}/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
    const text = await answer.text();
    return { status: answer.status, body: text ? JSON.parse(text) : null };
  }

  /** A call that must succeed; gives its `data`. */
  async done(method, path, body) {
    const answer = await this.call(method, path, body);
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body?.data;
  }

  createKey(settings = {}) {
    return this.done("POST", "/api-keys", { name: "Key", permissions: ["chats:read"], ...settings });
  }

  readKey(id) {
    return this.done("GET", `/api-keys/${id}`);
  }

  keys(query = "") {
    return this.done("GET", `/api-keys?limit=100${query}`);
  }

  saveChannel(id, name = id, type = "whatsapp", query = "") {
    return this.done("PUT", `/channels/${id}${query}`, { name, type });
  }

  revoke(id) {
    return this.done("POST", `/api-keys/${id}/revoke`);
  }

  /** An organization of a test's own, with an administrator's key. */
  async organization(name = "Bakery") {
    const organization = await this.done("POST", "/organizations", { name });
    const permissions = (await this.done("GET", "/permissions")).map(({ name }) => name);
    const key = await this.createKey({
      name: "Admin",
      organizationId: organization.id,
      tier: "admin",
      permissions: permissions.filter((permission) => permission !== "organizations:manage"),
    });
    return { ...organization, admin: new Api(this.url, key.key), adminKey: key };
  }
}
