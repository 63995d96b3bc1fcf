// A list of a thousand keys. `measure.js` goes through ten thousand in the same way.
import { lister, manyKeys, mustBeComplete } from "./lib/many.js";
import { world } from "./lib/world.js";

const COUNT = 1_000;

const the = await world("--tier-admin", "1000000/3600");
const organization = await manyKeys(the.server, "Many", COUNT);

the.visit("every key stands once on the pages of a long list", {}, async (visitor) => {
  const list = await lister(visitor, organization);
  await visitor.says("1–25 of 1,000");
  await visitor.page.goto("/settings/api-keys?page=40");
  await visitor.says("976–1,000 of 1,000");
  await visitor.says("Page 40 of 40");
  await mustBeComplete(list, COUNT);
});
