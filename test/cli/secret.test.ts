import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readSecretsFile } from "../../src/runtime/secrets/file.ts";
import { Lab } from "../support/lab.ts";

const MINUTE = 60_000;
const PASSPHRASE = "the passphrase of the canaries";
const TOKEN = `canary-token-${process.pid}-in-the-file`;
const PEM = `-----BEGIN KEY-----\n${"Y2FuYXJ5".repeat(6)}\n-----END KEY-----\n`;
const hasPty = spawnSync("script", ["--version"]).status === 0;

let lab: Lab;
let blueprint: string;
beforeAll(async () => {
  lab = await Lab.open();
  await lab.file("show.js", "console.log(process.env.TOKEN.length, process.env.TOKEN)");
  blueprint = await lab.blueprint({
    secrets: { "deploy-token": { tools: ["process.run"] }, "signing-key": { tools: ["process.run"], optional: true } },
    uses: {
      "process.run": [
        { name: "deploy-token", as: "environment", variable: "TOKEN", argv: [["node", "*"]] },
        { name: "signing-key", as: "stdin", argv: [["sign", "**"]] },
      ],
    },
    turns: [
      { calls: [{ id: "show", tool: "process.run", arguments: { argv: ["node", "show.js"] } }] },
      { text: "done: ${results.show.stdout}" },
    ],
  });
});
afterAll(() => lab.close());

interface Done {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command whose descriptors from 3 on hold these texts. */
async function told(bin: string, args: readonly string[], texts: readonly string[], env = {}): Promise<Done> {
  const fds = texts.map((text, index) => {
    const file = join(lab.root, `given-${index}`);
    writeFileSync(file, text);
    const fd = openSync(file, "r");
    rmSync(file);
    return fd;
  });
  const child = spawn(process.execPath, [resolve(`bin/${bin}.mjs`), ...args], {
    cwd: lab.root,
    env: { ...lab.variables, ...env },
    stdio: ["ignore", "pipe", "pipe", ...fds],
    // No terminal: nobody can be asked.
    detached: true,
  });
  for (const fd of fds) closeSync(fd);
  return done(child);
}

async function done(child: ChildProcess): Promise<Done> {
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (data) => (stdout += String(data)));
  child.stderr?.on("data", (data) => (stderr += String(data)));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout, stderr };
}

const file = (): string => join(lab.root, "config/pinion/secrets");
const run = (...more: readonly string[]) => [
  "run",
  blueprint,
  "--goal",
  "g",
  "--workspace",
  lab.workspace,
  "--json",
  ...more,
];
const set = (name: string, value: string, passphrase = PASSPHRASE) =>
  told("pinion", ["secret", "set", name, "--value-fd", "3", "--passphrase-fd", "4"], [value, passphrase]);

describe("pinion secret", () => {
  test("keeps values in an encrypted file of mode 600, and says names only", { timeout: MINUTE }, async () => {
    expect(await set("deploy-token", `${TOKEN}\n`)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("is kept in"),
    });
    expect(await set("signing-key", PEM)).toMatchObject({ code: 0 });
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(file())).mode & 0o777).toBe(0o700);
    expect(readdirSync(dirname(file()))).toEqual(["secrets"]);
    expect(readFileSync(file(), "utf8")).not.toMatch(/canary|Y2FuYXJ5/);
    const list = await told("pinion", ["secret", "list", "--json"], [], { PINION_SECRET_OTHER_ONE: "x".repeat(9) });
    expect(JSON.parse(list.stdout)).toEqual({
      file: file(),
      secrets: [
        { name: "deploy-token", from: "file" },
        { name: "other-one", from: "environment" },
        { name: "signing-key", from: "file" },
      ],
    });
  });

  test("refuses what cannot be a secret, a wrong passphrase, and a value as an argument", {
    timeout: MINUTE,
  }, async () => {
    const before = readFileSync(file(), "utf8");
    expect(await set("Deploy_Token", "longer-than-six")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/is no name of a secret/),
    });
    expect(await set("short", "12345")).toMatchObject({ code: 2, stderr: expect.stringMatching(/it has 5 bytes/) });
    expect(await set("deploy-token", "another value", "no")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/does not open/),
    });
    const argument = await told("pinion", ["secret", "set", "deploy-token", "a-value-as-argument"], []);
    expect(argument).toMatchObject({ code: 2, stderr: expect.not.stringContaining("a-value-as-argument") });
    expect(await told("pinion", ["secret", "set", "deploy-token"], [])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/no terminal/),
    });
    expect(await told("pinion", ["secret", "rm", "nothing"], [])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/no secret `nothing`/),
    });
    expect(readFileSync(file(), "utf8")).toBe(before);
  });

  test("says which secrets a blueprint needs, and where they would go, without a passphrase", async () => {
    const checked = await told("pinion", ["secret", "check", blueprint], []);
    expect(checked).toMatchObject({ code: 0, stderr: "" });
    expect(checked.stdout).toContain(
      "✓ deploy-token  from the file\n  lab: process.run, environment TOKEN, for node *\n",
    );
    expect(checked.stdout).toContain("✓ signing-key  from the file\n  lab: process.run, stdin, for sign **\n");
  });

  test("a run takes them with the passphrase, and does not begin without", { timeout: MINUTE }, async () => {
    const without = await told("blueprint", run(), []);
    expect(without).toMatchObject({ code: 2, stdout: expect.stringContaining("--secrets-fd") });
    expect(await told("blueprint", run("--secrets-fd", "3"), ["wrong"])).toMatchObject({ code: 2 });
    expect(existsSync(join(lab.env.stateDir, "runs"))).toBe(false);
    const record = join(lab.root, "out.jsonl");
    const ran = await told("blueprint", run("--secrets-fd", "3", "--record", record), [PASSPHRASE]);
    expect(JSON.parse(ran.stdout)).toMatchObject({
      state: "completed",
      result: `done: ${TOKEN.length} [secret deploy-token]\n`,
    });
    const replayed = await told("harness", ["replay", record, "--json"], []);
    expect(JSON.parse(replayed.stdout)).toMatchObject({ answer: "identical" });
    expect(await told("harness", ["verify", record], [])).toMatchObject({ code: 0 });
    await lab.crash(JSON.parse(ran.stdout), '"check.boundary"', '"phase":"pre-tool"');
    const { run: id } = JSON.parse(ran.stdout) as { readonly run: string };
    const resume = ["run", "resume", id, "--json"];
    expect(await told("pinion", resume, [])).toMatchObject({
      code: 2,
      stdout: expect.stringContaining("--secrets-fd"),
    });
    const resumed = await told("pinion", [...resume, "--secrets-fd", "3"], [PASSPHRASE]);
    expect(JSON.parse(resumed.stdout)).toMatchObject({ result: `done: ${TOKEN.length} [secret deploy-token]\n` });
  });

  test("a variable comes before the file, and then no passphrase is needed", { timeout: MINUTE }, async () => {
    const env = { PINION_SECRET_DEPLOY_TOKEN: "another-canary", PINION_SECRET_SIGNING_KEY: "a-third-canary" };
    const ran = await told("blueprint", run(), [], env);
    expect(JSON.parse(ran.stdout)).toMatchObject({ result: "done: 14 [secret deploy-token]\n" });
  });

  test("a file that others can read is refused, and so is a link in its place", { timeout: MINUTE }, async () => {
    chmodSync(file(), 0o644);
    expect(await told("pinion", ["secret", "list"], [])).toMatchObject({
      code: 5,
      stderr: expect.stringMatching(/secrets/),
    });
    expect(await told("blueprint", run("--secrets-fd", "3"), [PASSPHRASE])).toMatchObject({ code: 5 });
    chmodSync(file(), 0o600);
    renameSync(file(), `${file()}.aside`);
    symlinkSync(`${file()}.aside`, file());
    expect(await told("pinion", ["secret", "list"], [])).toMatchObject({ code: 5 });
    renameSync(`${file()}.aside`, file());
  });

  test("takes one out again, and the file with the last one", { timeout: MINUTE }, async () => {
    for (const name of ["signing-key", "deploy-token"]) {
      expect(existsSync(file())).toBe(true);
      const gone = await told("pinion", ["secret", "rm", name, "--passphrase-fd", "3"], [PASSPHRASE]);
      expect(gone).toMatchObject({ code: 0 });
    }
    expect(existsSync(file())).toBe(false);
    const checked = await told("pinion", ["secret", "check", blueprint, "--json"], []);
    expect(checked.code).toBe(2);
    expect(JSON.parse(checked.stdout)).toMatchObject({
      ok: false,
      secrets: [{ from: null }, { from: null, optional: true }],
    });
    const ran = await told("blueprint", run(), []);
    expect(JSON.parse(ran.stdout)).toMatchObject({
      error: { code: "no-secret", hint: expect.stringContaining("pinion secret set deploy-token") },
    });
  });

  test.runIf(hasPty)("asks on a terminal, and shows nothing of what is typed", { timeout: 2 * MINUTE }, async () => {
    mkdirSync(dirname(file()), { recursive: true, mode: 0o700 });
    const answers: readonly (readonly [RegExp, string])[] = [
      [/new passphrase for .*secrets: $/, PASSPHRASE],
      [/the same again: $/, PASSPHRASE],
      [/value of deploy-token: $/, TOKEN],
    ];
    const typed = await typing("pinion", ["secret", "set", "deploy-token"], answers);
    expect(typed).toMatch(/deploy-token is kept in/);
    const screen = await typing("blueprint", run().slice(0, -1), [[/passphrase of .*secrets: $/, PASSPHRASE]]);
    expect(screen).toContain("[secret deploy-token]");
    expect(typed + screen).not.toMatch(/canar/);
  });

  test.runIf(hasPty)(
    "keeps nothing of a key of several lines that is pasted, or of what is too long",
    {
      timeout: MINUTE,
    },
    async () => {
      const pasted = [
        ["-----BEGIN PRIVATE KEY-----\rcanary\r-----END PRIVATE KEY-----", "more than one line was typed"],
        ["canary".repeat(11_000), "the value has more than 65536 bytes"],
      ] as const;
      for (const [value, why] of pasted) {
        const answers: readonly (readonly [RegExp, string])[] = [
          [/passphrase .*secrets: $/, PASSPHRASE],
          [/the same again: $/, PASSPHRASE],
          [/value of other-token: $/, value],
        ];
        const known = existsSync(file());
        const typed = await typing("pinion", ["secret", "set", "other-token"], answers.toSpliced(1, known ? 1 : 0), 2);
        expect(typed).toContain(why);
        expect(typed).not.toContain("canary");
      }
      const listed = await told("pinion", ["secret", "list", "--json"], []);
      expect(listed.stdout).not.toContain("other-token");
    },
  );

  test.runIf(hasPty)("a value that is typed may be as long as one that is read", { timeout: MINUTE }, async () => {
    const known = existsSync(file());
    const value = "canary".repeat(2_000);
    const answers: readonly (readonly [RegExp, string])[] = [
      [/passphrase .*secrets: $/, PASSPHRASE],
      [/the same again: $/, PASSPHRASE],
      [/value of long-token: $/, value],
    ];
    await typing("pinion", ["secret", "set", "long-token"], answers.toSpliced(1, known ? 1 : 0));
    const values = await readSecretsFile({ configDirs: [dirname(file())] })?.open(PASSPHRASE);
    expect(values?.get("long-token")).toBe(value);
  });
});

/** On a terminal of `script` (util-linux): types each answer when its question is there. Gives the whole screen. */
async function typing(
  bin: string,
  args: readonly string[],
  answers: readonly (readonly [RegExp, string])[],
  exit = 0,
): Promise<string> {
  const command = [process.execPath, resolve(`bin/${bin}.mjs`), ...args].map((word) => `'${word}'`).join(" ");
  const child = spawn("script", ["-qec", command, "/dev/null"], {
    cwd: lab.root,
    env: { ...lab.variables, TERM: "xterm-256color" },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let screen = "";
  let next = 0;
  child.stdout.on("data", (data) => {
    screen += String(data);
    const [question, answer] = answers[next] ?? [];
    if (question?.test(screen) !== true) return;
    next += 1;
    child.stdin.write(`${answer}\r`);
  });
  const [code] = (await once(child, "close")) as [number | null];
  expect({ code, asked: next, screen: code === exit ? "" : screen }).toEqual({
    code: exit,
    asked: answers.length,
    screen: "",
  });
  return screen;
}
