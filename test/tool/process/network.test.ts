import { createServer } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Backend, probeBwrap } from "../../../src/tool/process/backend.ts";
import { networkOf, probeNetwork } from "../../../src/tool/process/network.ts";
import { bench, layer, UNCONFINED } from "../kit.ts";

const bwrap = await probeBwrap();
const probe = await probeNetwork();
const own = "way" in probe ? undefined : probe.absent;
const backends: readonly { readonly name: string; readonly backend: Backend; readonly absent: string | undefined }[] = [
  { name: own === undefined ? "unconfined" : `unconfined (skipped: ${own})`, backend: UNCONFINED, absent: own },
  "program" in bwrap
    ? { name: "bwrap", backend: { name: "bwrap", program: bwrap.program }, absent: undefined }
    : { name: `bwrap (skipped: ${bwrap.absent})`, backend: UNCONFINED, absent: bwrap.absent },
];

/** A server of this machine, that nobody else can reach. */
async function serve(): Promise<number> {
  const server = createServer((socket) => socket.end("hello")).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return address.port;
}

const connect = (port: number): string =>
  `require("net").connect(${port}, "127.0.0.1").on("error", (e) => console.log(e.code)).on("data", (d) => console.log(String(d)))`;
const loop = `const s = require("net").createServer((c) => c.end("own")).listen(0, "127.0.0.1", () =>
  require("net").connect(s.address().port, "127.0.0.1").on("error", (e) => { console.log(e.code); s.close(); }).on("data", (d) => { console.log(String(d)); s.close(); }))`;

describe.for(backends)("the network of a process, $name", ({ backend, absent }) => {
  const it = test.skipIf(absent !== undefined);
  const on = (...networks: readonly ("none" | "host")[]) =>
    bench({
      backend,
      layers: networks.map((network, index) =>
        layer({
          name: `layer ${index}`,
          process: {
            deny: [],
            allow: [
              ["node", "-e", "*"],
              ["cat", "*"],
            ],
            network,
          },
        }),
      ),
    });
  const node = async (there: ReturnType<typeof on>, script: string): Promise<unknown> =>
    await there.call("process.run", { argv: ["node", "-e", script] });

  it("is none where one layer says so: not even what listens on this machine is reached", async () => {
    const port = await serve();
    for (const there of [on("none"), on("host", "none"), on("none", "host")])
      expect(await node(there, connect(port))).toMatchObject({ stdout: "ECONNREFUSED\n", network: "none" });
  });

  const alone = test.skipIf(
    absent !== undefined || (backend.name === "unconfined" && "way" in probe && !probe.loopback),
  );
  alone("has a loopback of its own all the same", async () => {
    expect(await node(on("none"), loop)).toMatchObject({ stdout: "own\n" });
  });

  it("is that of the machine where all layers say so, and gates see which", async () => {
    const port = await serve();
    const there = on("host", "host");
    expect(await node(there, connect(port))).toMatchObject({ stdout: "hello\n", network: "host" });
    const request = { tool: "process.run", arguments: { argv: ["cat", "/etc/hosts"] } };
    const signal = new AbortController().signal;
    expect(await there.box.resolve(request, signal)).toMatchObject({ network: "host" });
    expect(await there.call("process.run", request.arguments)).toMatchObject({
      stdout: expect.stringContaining("localhost"),
    });
    expect(await on("none").box.resolve(request, signal)).toMatchObject({ network: "none" });
  });
});

describe("the choice of a network", () => {
  const command = ["true"];

  test("a machine that gives no name space says so to gates and in every result, and does not pretend", () => {
    const chosen = networkOf("none", "unconfined", { absent: "not permitted" });
    expect(chosen).toMatchObject({ reach: "host", notes: [expect.stringMatching(/NOT confined.*not permitted/)] });
    expect(chosen.wrap(command)).toEqual(command);
  });

  test("what is allowed needs nothing, and bwrap does it by itself", () => {
    expect(networkOf("host", "unconfined", { absent: "x" })).toMatchObject({ reach: "host", notes: [] });
    expect(networkOf("none", "bwrap", { absent: "x" })).toMatchObject({ reach: "none", notes: [] });
    expect(networkOf("none", "bwrap", { absent: "x" }).wrap(command)).toEqual(command);
  });

  test("where there is no `ip`, even the loopback is missing, and that is said", () => {
    const chosen = networkOf("none", "unconfined", { way: "user", loopback: false });
    expect(chosen).toMatchObject({ reach: "none", notes: [expect.stringContaining("no loopback")] });
  });
});
