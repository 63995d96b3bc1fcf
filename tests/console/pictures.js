// Writes a picture of every page to docs/console: `tests/console.sh pictures`. QWETTY_PICTURES names another directory,
// QWETTY_SCHEME=dark the other theme.
import { mkdir } from "node:fs/promises";

import { enter, furnish, pages } from "./lib/gallery.js";
import { Server } from "./lib/server.js";
import { Visitor, launch } from "./lib/world.js";

const directory = process.env.QWETTY_PICTURES ?? new URL("../../docs/console/", import.meta.url).pathname;
const colorScheme = process.env.QWETTY_SCHEME ?? "light";

// The address is in the pictures.
const server = await Server.start("--listen", "127.0.0.1:8080");
const browser = await launch();
const furnished = await furnish(server);
await mkdir(directory, { recursive: true });
for (const width of [360, 1280]) {
  const settings = { viewport: { width, height: 640 }, reducedMotion: "reduce", colorScheme };
  const visitor = await Visitor.arrive({ server, browser }, settings);
  const { page } = visitor;
  const picture = (name) => page.screenshot({ path: `${directory}/${name}-${width}.png`, fullPage: true, caret: "hide" });
  await page.goto("/settings/sign-in");
  await picture("sign-in");
  await enter(visitor, furnished);
  for (const { name, path, act, leave } of pages(furnished)) {
    await page.goto(path);
    await act?.(page);
    await picture(name);
    await leave?.(page);
  }
  await visitor.leave();
}
await browser.close();
await server.stop();
