// How long the list of keys takes with 10 keys in the organization and with 10,000: `node measure.js`, with the program in
// QWETTY_SERVER (a release build, to compare with anything).
import { lister, manyKeys, mustBeComplete } from "./lib/many.js";
import { Server } from "./lib/server.js";
import { Visitor, launch } from "./lib/world.js";

const QUERIES = ["", "?page=2", "?sort=name&order=asc", "?sort=requestCount&order=desc", "?status=active", "?search=key+0000"];
const ROUNDS = 40;

const server = await Server.start("--tier-admin", "10000000/3600");
const browser = await launch();
const lists = {};
for (const count of [10, 10_000]) {
  const began = performance.now();
  const organization = await manyKeys(server, `${count} keys`, count);
  console.error(`${count} keys made in ${((performance.now() - began) / 1000).toFixed(1)} s`);
  lists[count] = await lister(await Visitor.arrive({ server, browser }), organization);
}
await mustBeComplete(lists[10_000], 10_000);
console.error("every key stands once on the pages of each order");

const median = (times) => times.toSorted((one, other) => one - other)[Math.floor(times.length / 2)];
console.log("| list | 10 keys | 10,000 keys | times |\n|---|---|---|---|");
for (const query of QUERIES) {
  const times = { 10: [], 10000: [] };
  // In turns, so that whatever else the machine does meets both.
  for (let round = 0; round < ROUNDS; round++) {
    for (const count of [10, 10_000]) {
      const began = performance.now();
      await lists[count](query);
      times[count].push(performance.now() - began);
    }
  }
  const [few, many] = [median(times[10]), median(times[10_000])];
  console.log(`| \`${query || "/"}\` | ${few.toFixed(2)} ms | ${many.toFixed(2)} ms | ${(many / few).toFixed(1)} |`);
}
await browser.close();
await server.stop();
