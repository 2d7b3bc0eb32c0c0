// The internet as a test has it, loaded before Pinion: `site.test` has a public address, and what goes there arrives at the
// test's own server. No other name has an address, and nothing leaves this machine. Every look-up is written to a file.

import dns from "node:dns/promises";
import { appendFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import net from "node:net";

const { PINION_TEST_SITE: port = "", PINION_TEST_LOOKUPS: lookups = "" } = process.env;

dns.lookup = async (host) => {
  appendFileSync(lookups, `${host}\n`);
  if (host === "site.test") return [{ address: "93.184.215.14", family: 4 }];
  throw Object.assign(new Error(`no address for ${host}`), { code: "ENOTFOUND" });
};
syncBuiltinESMExports();

const { connect } = net.Socket.prototype;
net.Socket.prototype.connect = function (...given) {
  const [normalized] = given;
  const options = Array.isArray(normalized) ? normalized[0] : normalized;
  const { host, path } = options;
  if (host === "site.test" && Number(options.port) === 80) {
    delete options.lookup;
    Object.assign(options, { host: "127.0.0.1", port: Number(port) });
  } else if (path === undefined && host !== "127.0.0.1") {
    appendFileSync(lookups, `connect ${host}\n`);
    throw Object.assign(new Error("the internet of this test ends here"), { code: "ENETUNREACH" });
  }
  return connect.apply(this, given);
};
