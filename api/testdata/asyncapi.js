// Validates an AsyncAPI document with the parser of the AsyncAPI project. Prints
// the parser's output and exits with 1 after an error or a warning.
const { Parser, fromFile } = require("@asyncapi/parser");

(async () => {
  const { document, diagnostics } = await fromFile(new Parser(), process.argv[2]).parse();
  for (const d of diagnostics) console.log(`${d.range.start.line + 1}: ${d.code}: ${d.message} (${d.path.join("/")})`);
  if (!document || diagnostics.some((d) => d.severity <= 1)) process.exit(1);
  for (const message of document.allMessages()) console.log("message", message.id(), message.payload().type(), Object.keys(message.headers()?.properties() ?? {}).length);
})();
