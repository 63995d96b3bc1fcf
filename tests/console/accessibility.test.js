// Nothing for axe-core to find, on any page, in either theme, in a narrow window and in a wide one; and nothing that is
// wider than its window.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

import { enter, furnish, pages } from "./lib/gallery.js";
import { world } from "./lib/world.js";

const the = await world();
const axe = await readFile(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const furnished = await furnish(the.server);

async function inspect(page, name) {
  // Not as a script of the page, which its policy would refuse.
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run({ resultTypes: ["violations"] }));
  const told = found.violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(" ")}`);
  assert.deepEqual(told, [], name);
  const excess = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(excess, 0, `${name} is wider than its window`);
}

for (const colorScheme of ["light", "dark"]) {
  for (const width of [360, 1280]) {
    the.visit(`every page, ${colorScheme}, ${width} pixels wide`, { colorScheme, viewport: { width, height: 900 } }, async (visitor, t) => {
      const { page } = visitor;
      await page.goto("/settings/sign-in");
      await inspect(page, "sign-in");
      await enter(visitor, furnished);
      for (const { name, path, act, leave } of pages(furnished)) {
        await t.test(name, async () => {
          await page.goto(path);
          await act?.(page);
          await inspect(page, name);
          await leave?.(page);
        });
      }
    });
  }
}
