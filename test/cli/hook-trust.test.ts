import { type SpawnSyncReturns, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../../src/model/canonical.ts";
import { Shell } from "../support/cli.ts";

const MINUTE = 60_000;
const PASSPHRASE = "correct horse";
const shell = new Shell();
const hasPty = spawnSync("script", ["--version"]).status === 0;
const configuration = join(shell.home, ".config/pinion");
const keyring = join(configuration, "keyring.yaml");
const keyFile = (name: string): string => join(configuration, `keys/${name}.key`);
const keys: Record<string, string> = {};

/** A command that reads its passphrase from descriptor 3. */
function hook(args: readonly string[], passphrase = PASSPHRASE): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [resolve("bin/hook.mjs"), ...args, "--passphrase-fd", "0"], {
    encoding: "utf8",
    env: shell.env,
    cwd: shell.cwd,
    input: `${passphrase}\n`,
  });
}

function json(done: { readonly stdout: string }): Record<string, string> {
  return JSON.parse(done.stdout);
}

beforeAll(() => {
  cpSync(resolve("hooks/tool-gate"), join(shell.cwd, "tool-gate"), { recursive: true });
  for (const name of ["alice", "bob"]) keys[name] = json(hook(["keygen", name, "--json"])).key ?? "";
}, MINUTE);

describe("hook keygen", () => {
  it("keeps the key sealed, mode 600 in a folder of mode 700, and never writes over one", () => {
    const before = readFileSync(keyFile("alice"), "utf8");
    expect(statSync(keyFile("alice")).mode & 0o777).toBe(0o600);
    expect(statSync(join(configuration, "keys")).mode & 0o777).toBe(0o700);
    expect(JSON.parse(before)).toMatchObject({ clear: { key: keys.alice }, kdf: { name: "scrypt", cost: 17 } });
    const again = hook(["keygen", "alice"]);
    expect(again).toMatchObject({ status: 2, stderr: expect.stringContaining("is there already") });
    expect(readFileSync(keyFile("alice"), "utf8")).toBe(before);
  });

  it.each([
    ["an empty passphrase", ["keygen", "carol"], "", "the passphrase is empty"],
    ["a passphrase of two lines", ["keygen", "carol"], "a\nb", "expected one line"],
    ["a name that leaves the folder", ["keygen", "../carol"], PASSPHRASE, "cannot be the name of a key"],
  ])("refuses %s", (_, args, passphrase, why) => {
    expect(hook(args, passphrase)).toMatchObject({ status: 2, stderr: expect.stringContaining(why) });
    expect(existsSync(keyFile("carol"))).toBe(false);
  });

  it("says what to do where there is neither terminal nor descriptor", () => {
    const { HOME, PATH } = shell.env;
    const done = spawnSync("setsid", [process.execPath, resolve("bin/hook.mjs"), "keygen", "carol"], {
      encoding: "utf8",
      env: { HOME, PATH },
      input: "",
    });
    expect(done).toMatchObject({ status: 2, stderr: expect.stringContaining("--passphrase-fd") });
  });

  it.runIf(hasPty)("asks on the terminal, twice, and shows nothing of what is typed", { timeout: MINUTE }, async () => {
    const done = await typed("typed", ["wrong\u0015hush-xé\u007f\u007fhush\r", "hush-hush\r"]);
    expect(done).toMatchObject({ status: 0 });
    expect(done.screen).toContain("the same again: ");
    expect(done.screen).not.toContain("hush");
    expect(hook(["sign", "tool-gate", "--key", keyFile("typed")], "hush-hush").status).toBe(0);
    expect(await typed("differ", ["one\r", "two\r"])).toMatchObject({ status: 2 });
    expect(await typed("differ", ["one\u0003"])).toMatchObject({ status: 130 });
    expect(existsSync(keyFile("differ"))).toBe(false);
  });
});

describe("hook sign", () => {
  it("signs what is there, and puts the pin into a blueprint without touching anything else", () => {
    cpSync(resolve("blueprints/editor/blueprint.yaml"), join(shell.cwd, "blueprint.yaml"));
    const before = readFileSync(join(shell.cwd, "blueprint.yaml"), "utf8").split("\n");
    const done = hook(["sign", "tool-gate", "--key", keyFile("alice"), "--pin", "blueprint.yaml", "--json"]);
    const pin = json(done);
    expect(pin).toMatchObject({ name: "tool-gate", version: "1.0.0", source: "tool-gate/hook.yaml", key: keys.alice });
    expect(pin.signature).toBe(digestOf(readFileSync(join(shell.cwd, "tool-gate/hook.sig"))));
    expect(pin.digest).toBe(digestOf(readFileSync(join(shell.cwd, "tool-gate/hook.yaml"))));
    const after = readFileSync(join(shell.cwd, "blueprint.yaml"), "utf8").split("\n");
    const changed = after.filter((line, i) => line !== before[i]);
    expect(after).toHaveLength(before.length);
    expect(changed).toEqual([
      `      - { name: "tool-gate", version: "1.0.0", digest: "${pin.digest}", signature: "${pin.signature}", source: "tool-gate/hook.yaml" }`,
    ]);
  });

  it("refuses a wrong passphrase, a key that others may read, and a component that is not the manifest's", () => {
    const args = ["sign", "tool-gate", "--key", keyFile("alice")];
    expect(hook(args, "battery staple")).toMatchObject({ status: 2, stderr: expect.stringContaining("does not open") });
    chmodSync(keyFile("alice"), 0o640);
    expect(hook(args)).toMatchObject({ status: 5, stderr: expect.stringContaining("others may read") });
    chmodSync(keyFile("alice"), 0o600);
    cpSync(join(shell.cwd, "tool-gate"), join(shell.cwd, "changed"), { recursive: true });
    writeFileSync(join(shell.cwd, "changed/tool-gate.wasm"), "other bytes");
    const changed = hook(["sign", "changed", "--key", keyFile("alice")]);
    expect(changed).toMatchObject({ status: 5, stderr: expect.stringContaining("is not the component") });
  });

  it("S5 what is changed after it was signed is not the signed hook", () => {
    cpSync(join(shell.cwd, "tool-gate"), join(shell.cwd, "edited"), { recursive: true });
    hook(["sign", "edited", "--key", keyFile("alice")]);
    const manifest = join(shell.cwd, "edited/hook.yaml");
    writeFileSync(manifest, `${readFileSync(manifest, "utf8")}# harmless\n`);
    const done = shell.run("hook", "verify", "edited");
    expect(done).toMatchObject({ exit: 5, stdout: expect.stringContaining("about another hook") });
  });

  it("hook verify says 5 of a hook without a signature as of every other that is not trusted", () => {
    cpSync(resolve("hooks/tool-gate"), join(shell.cwd, "unsigned"), { recursive: true });
    const unsigned = shell.run("hook", "verify", "unsigned");
    expect(unsigned).toMatchObject({ exit: 5, stderr: expect.stringContaining("the hook is not signed") });
    expect(shell.run("hook", "verify", "nowhere")).toMatchObject({ exit: 2 });
    expect(shell.run("hook", "inspect", "unsigned", "--json")).toMatchObject({ exit: 0 });
  });
});

describe("hook trust", () => {
  it("adds, revokes and rotates in the keyring, whose comments stay, and hook verify follows", {
    timeout: MINUTE,
  }, () => {
    const verify = () => json(shell.run("hook", "verify", "tool-gate", "--json"));
    hook(["sign", "tool-gate", "--key", keyFile("alice"), "--expires", "90d"]);
    expect(verify()).toMatchObject({ trusted: false, code: "unknown-key", exit: 5 });
    writeFileSync(keyring, "# ours alone\napiVersion: pinion.dev/v1\nkind: Keyring\nkeys: [] # nobody yet\n");
    const scope = ["--hooks", "tool-*", "--phases", "all", "--powers", "gate"];
    const add = (...args: readonly string[]) => shell.run("hook", "trust", "add", ...args, ...scope);
    expect(add("alice", keys.alice ?? "", "--owner", "Alice")).toMatchObject({ exit: 0, stderr: "" });
    expect(add("alice", keys.bob ?? "", "--owner", "Bob")).toMatchObject({ exit: 2 });
    expect(add("Bob", keys.bob ?? "", "--owner", "Bob")).toMatchObject({ exit: 2 });
    expect(verify()).toMatchObject({ trusted: true, signer: { id: "alice", owner: "Alice" }, exit: 0 });

    const rotate = ["trust", "rotate", "alice", "--to", keyFile("bob"), "--key", keyFile("alice")];
    expect(hook([...rotate, "--out", "statement"]).status).toBe(0);
    const twice = { status: 2, stderr: expect.stringContaining("cannot be written") };
    expect(hook([...rotate, "--out", "statement"])).toMatchObject(twice);
    expect(verify()).toMatchObject({ trusted: true });
    const apply = ["trust", "rotate", "alice", "--statement", "statement", "--id", "bob", "--owner", "Bob"];
    expect(shell.run("hook", ...apply)).toMatchObject({ exit: 0 });
    expect(verify()).toMatchObject({ trusted: false, code: "rotated" });
    hook(["sign", "tool-gate", "--key", keyFile("bob")]);
    expect(verify()).toMatchObject({ trusted: true, signer: { id: "bob", owner: "Bob" } });

    expect(shell.run("hook", "trust", "revoke", "bob", "--reason", "left us")).toMatchObject({ exit: 0 });
    expect(verify()).toMatchObject({ trusted: false, code: "revoked" });
    const text = readFileSync(keyring, "utf8");
    expect(text).toMatch(/^# ours alone\n/);
    expect(text).toContain("# nobody yet");
    const late = { status: 2, stderr: expect.stringContaining("was revoked by the user's keyring") };
    expect(hook(["sign", "tool-gate", "--key", keyFile("bob")])).toMatchObject(late);
    const list = JSON.parse(shell.run("hook", "trust", "list", "--json").stdout);
    expect(list.keys).toMatchObject([
      { id: "alice", state: "rotated", place: "user", powers: ["gate"] },
      { id: "bob", state: "revoked", revoked: { reason: "left us" } },
    ]);
  });

  it.each([
    [
      "a name of hooks that there cannot be",
      ["--hooks", "t*l"],
      'hooks[0]: expected the name of a hook, `prefix-*` or `*`, found "t*l"',
    ],
    ["a phase that there is not", ["--phases", "pre-tol"], "phases[0]: expected one of"],
    ["a day that there is not", ["--until", "yesterday"], "until: expected a day"],
  ])("says of %s that the command is wrong, not the file", (_, wrong, why) => {
    const [before, key] = [
      readFileSync(keyring, "utf8"),
      "ed25519:3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29",
    ];
    const right = ["--owner", "Carol", "--hooks", "*", "--phases", "all", "--powers", "gate"];
    const done = shell.run("hook", "trust", "add", "carol", key, ...right, ...wrong);
    expect(done).toMatchObject({ exit: 2, stderr: expect.stringMatching(/^error: \w+(\[0\])?: expected/) });
    expect(done.stderr).toContain(why);
    expect(readFileSync(keyring, "utf8")).toBe(before);
  });

  it("adds no key twice, nor two by one name, and none that is valid never", () => {
    const add = (id: string, key: string, ...times: readonly string[]) =>
      shell.run(
        "hook",
        "trust",
        "add",
        id,
        key,
        "--owner",
        "Carol",
        "--hooks",
        "*",
        "--phases",
        "all",
        "--powers",
        "gate",
        ...times,
      );
    const other = "ed25519:3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29";
    const known = { exit: 2, stderr: expect.stringContaining("has a key `alice` already") };
    expect(add("alice", other)).toMatchObject(known);
    expect(add("alice-again", keys.alice ?? "")).toMatchObject(known);
    const never = { exit: 2, stderr: expect.stringContaining("until: expected a time after") };
    expect(add("carol", other, "--from", "2027-01-01", "--until", "2026-01-01")).toMatchObject(never);
    expect(add("carol", other, "--from", "2027-01-01", "--until", "2027-01-01")).toMatchObject(never);
    expect(add("carol", other, "--from", "2027-01-01").stdout).toMatch(/^carol is trusted from 2027-01-01 on: /);
  });

  it("S12 does not enter a rotation that the old key did not sign", () => {
    const forged = readFileSync(join(shell.cwd, "statement"), "utf8").replace(/"sig":"..../, '"sig":"AAAA');
    writeFileSync(join(shell.cwd, "forged"), forged);
    const before = readFileSync(keyring, "utf8");
    const done = shell.run("hook", "trust", "rotate", "alice", "--statement", "forged", "--id", "eve");
    expect(done).toMatchObject({ exit: 5, stderr: expect.stringContaining("is not signed by `alice`") });
    expect(readFileSync(keyring, "utf8")).toBe(before);
  });

  it("S12 does not enter a rotation that a key signed after it was revoked, or gave its place away, or ended", {
    timeout: MINUTE,
  }, () => {
    for (const name of ["carol", "dave"]) keys[name] = json(hook(["keygen", name, "--json"])).key ?? "";
    const before = readFileSync(keyring, "utf8");
    const scope = ["--owner", "Dave", "--hooks", "tool-gate", "--phases", "pre-tool", "--powers", "gate"];
    const rotate = (old: string, ...more: readonly string[]) =>
      hook(["trust", "rotate", old, "--to", keyFile("carol"), "--key", keyFile(old), ...more]);
    const refused = (why: string) => ({ status: 2, stderr: expect.stringContaining(why) });
    // Alice's place is Bob's, and Bob was revoked.
    for (const how of [
      ["--id", "carol"],
      ["--out", "late"],
    ]) {
      expect(rotate("alice", ...how)).toMatchObject(refused("the old key `alice` gave its place to"));
      expect(rotate("bob", ...how)).toMatchObject(refused("was revoked by the user's keyring"));
    }
    expect(existsSync(join(shell.cwd, "late"))).toBe(false);
    expect(shell.run("hook", "trust", "add", "dave", keys.dave ?? "", ...scope)).toMatchObject({ exit: 0 });
    expect(rotate("dave", "--out", "early")).toMatchObject({ status: 0 });
    const apply = ["trust", "rotate", "dave", "--statement", "early", "--id", "carol"];
    const entered = readFileSync(keyring, "utf8");
    writeFileSync(keyring, entered.replace("owner: Dave", "owner: Dave\n    until: 2026-01-01T00:00:00Z"));
    expect(hook(apply)).toMatchObject(refused("the old key `dave` is not valid at"));
    writeFileSync(keyring, entered);
    expect(shell.run("hook", "trust", "revoke", keys.carol ?? "", "--reason", "lost")).toMatchObject({ exit: 0 });
    expect(hook(apply)).toMatchObject(refused("was revoked by the user's keyring"));
    writeFileSync(keyring, before);
  });
});

/** `hook keygen` on a terminal of its own (of `script`, util-linux): each answer is typed when something is asked. */
async function typed(
  name: string,
  answers: readonly string[],
): Promise<{ readonly status: number; readonly screen: string }> {
  const command = `'${process.execPath}' '${resolve("bin/hook.mjs")}' keygen ${name}`;
  const child = spawn("script", ["-qec", command, "/dev/null"], { env: shell.env, cwd: shell.cwd });
  const left = [...answers];
  let screen = "";
  child.stdout.on("data", (data: Buffer) => {
    screen += data.toString();
    // A question is the last thing on the screen, and stands there once it can be answered.
    if (/: $/.test(screen)) child.stdin.write(left.shift() ?? "");
  });
  const [status] = (await once(child, "close")) as [number];
  return { status, screen };
}
