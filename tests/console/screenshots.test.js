// Writes a picture of every page to docs/console, if QWETTY_BLESS=1 asks for it: `tests/console.sh pictures`.
import { mkdir } from "node:fs/promises";

import { enter, furnish, pages } from "./lib/gallery.js";
import { world } from "./lib/world.js";

const directory = process.env.QWETTY_SCREENSHOTS ?? new URL("../../docs/console/", import.meta.url).pathname;

if (process.env.QWETTY_BLESS === "1") {
  // The address is in the pictures.
  const the = await world("--listen", "127.0.0.1:8080");
  const furnished = await furnish(the.server);
  await mkdir(directory, { recursive: true });
  for (const width of [360, 1280]) {
    const settings = { viewport: { width, height: 640 }, reducedMotion: "reduce", colorScheme: process.env.QWETTY_SCHEME ?? "light" };
    the.visit(`pictures ${width} pixels wide`, settings, async (visitor) => {
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
    });
  }
}
