// One server and one browser for the tests of a file, and visitors who are watched: whatever a page complains of, or
// asks of anybody else, fails the test.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { chromium } from "playwright-core";

import { Server } from "./server.js";

const CHROMIUM = process.env.QWETTY_CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = ["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
// A sandbox cannot be made by root, as whom containers run.
const SANDBOX = process.getuid() === 0 ? ["--no-sandbox"] : [];

export const launch = () => chromium.launch({ executablePath: CHROMIUM, args: [...FLAGS, ...SANDBOX] });

/** `world.server` and `world.browser`, for all tests of a file. */
export async function world(...options) {
  const server = await Server.start(...options);
  const world = { server, browser: await launch() };
  after(async () => {
    await world.browser.close();
    await server.stop();
  });

  /** A test with a browser window of its own. */
  world.visit = (name, settings, body) =>
    test(name, async (t) => {
      const visitor = await Visitor.arrive(world, settings);
      await body(visitor, t);
      await visitor.leave();
    });

  /** The same test with the script and without it. */
  world.visitTwice = (name, body) => {
    world.visit(name, {}, body);
    world.visit(`${name}, without JavaScript`, { javaScriptEnabled: false }, body);
  };
  return world;
}

export class Visitor {
  /** `settings` are those of a context, and `ignoresOthers` for a test that visits other sites on purpose. */
  static async arrive({ server, browser }, { ignoresOthers = false, ...settings } = {}) {
    const context = await browser.newContext({ baseURL: server.url, viewport: { width: 1280, height: 900 }, ...settings });
    context.setDefaultTimeout(10_000);
    const visitor = new Visitor(server, context, { ignoresOthers, ...settings });
    visitor.page = await visitor.window();
    return visitor;
  }

  constructor(server, context, settings) {
    this.ignoresOthers = settings.ignoresOthers;
    this.server = server;
    this.context = context;
    this.hasScript = settings.javaScriptEnabled !== false;
    this.complaints = [];
  }

  /** A new window, watched. */
  async window() {
    const page = await this.context.newPage();
    const complain = (text) => this.ignoresOthers || this.complaints.push(text);
    page.on("console", (message) => {
      // A page that is answered with an error status is told of in the console as well; that is the test's to check.
      const isAnswer = /^Failed to load resource: the server responded with a status of 4/.test(message.text());
      if (["error", "warning"].includes(message.type()) && !isAnswer) complain(`console: ${message.text()}`);
    });
    page.on("pageerror", (error) => complain(`script: ${error}`));
    page.on("request", (request) => {
      if (!request.url().startsWith(`${this.server.url}/`)) complain(`a request elsewhere: ${request.url()}`);
    });
    return page;
  }

  async signIn(key) {
    // Whoever is signed in is led on from there.
    await this.context.clearCookies();
    await this.page.goto("/settings/sign-in");
    await this.page.getByLabel("API key").fill(key);
    await this.page.getByRole("button", { name: "Sign in" }).click();
    await this.heading("API keys");
  }

  /** The page has this heading. */
  heading(name) {
    return this.page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
  }

  /** The page says this. */
  says(text) {
    return this.page.getByText(text).first().waitFor();
  }

  async leave() {
    await this.context.close();
    assert.deepEqual(this.complaints, []);
  }
}
