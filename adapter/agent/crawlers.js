// Prints the patterns of the npm package crawler-user-agents, which lies in the
// folder given, as crawlers.txt has them.
const fs = require("fs");
const folder = process.argv[2];
const { version, license } = require(folder + "/package.json");
const lines = [`Patterns of crawler-user-agents ${version} (${license}), one on each line; taken by make crawlers.`, ""];
lines.push(...fs.readFileSync(folder + "/LICENSE", "utf8").trim().split("\n"));
for (const line of lines) console.log(("# " + line).trim());
for (const { pattern } of require(folder)) console.log(pattern);
