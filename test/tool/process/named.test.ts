import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { digestOf } from "../../../src/model/canonical.ts";
import type { JsonObject } from "../../../src/model/json.ts";
import { type Bench, type BenchOptions, bench, layer } from "../kit.ts";

const signal = new AbortController().signal;
const SHELL: BenchOptions = { layers: [layer({ process: { allow: [["sh", "**"]], deny: [], network: "none" } })] };

function resolve({ box }: Bench, argv: readonly string[], more: JsonObject = {}): Promise<JsonObject> {
  return box.resolve({ tool: "process.run", arguments: { argv: [...argv], ...more } }, signal);
}

/** Resolves, changes the world, and runs what was resolved. */
async function changed(there: Bench, argv: readonly string[], change: () => void): Promise<unknown> {
  const call = { tool: "process.run", arguments: { argv: [...argv] } };
  const resolution = await there.box.resolve(call, signal);
  change();
  expect(await there.box.resolve(call, signal)).not.toEqual(resolution);
  return there.box.perform(call, resolution, signal).catch((error) => error.code);
}

function script(there: Bench, path: string, text = "echo hello\n"): void {
  writeFileSync(there.at(path), text);
}

it("names the files of the workspace that the words of a command are paths to, and nothing else", async () => {
  const there = bench(SHELL);
  mkdirSync(there.at("sub"));
  script(there, "sub/check.sh");
  script(there, "one", "1");
  const digest = digestOf("echo hello\n");
  expect(
    await resolve(there, ["sh", "check.sh", "--file=../one", "-x", "sub", "no-such", "/etc/passwd", "../../x"], {
      cwd: "sub",
    }),
  ).toMatchObject({
    named: [
      { path: "sub/check.sh", kind: "file", digest },
      { path: "one", kind: "file", digest: digestOf("1") },
    ],
  });
  expect(await resolve(there, ["sh", there.at("one")])).toMatchObject({ named: [{ path: "one" }] });
  expect(await resolve(there, ["sh", "/workspace/one"])).toMatchObject({ named: [{ path: "one" }] });
});

it("A4 script: names files in the words of a shell, behind options and behind `@`, and says where it looked no further", async () => {
  const there = bench(SHELL);
  mkdirSync(there.at("sub"));
  for (const path of ["deploy.sh", "sub/conf", "args", "other"]) script(there, path);
  const line = "true&&sh deploy.sh prod;cat <sub/conf >out";
  const found = await resolve(there, ["sh", "-c", line, "-fother", "@args"]);
  expect(found).toMatchObject({
    named: [{ path: "deploy.sh" }, { path: "sub/conf" }, { path: "other" }, { path: "args" }],
  });
  expect(await changed(there, ["sh", "-c", line], () => script(there, "deploy.sh", "echo evil\n"))).toBe(
    "resolution-changed",
  );
  const many = Array.from({ length: 10_000 }, (_, index) => `w${index}`).join(" ");
  expect(await resolve(there, ["sh", "-c", `${many} sh deploy.sh`])).toMatchObject({ named: [{ notLookedUp: 4 }] });
});

it("names the environment that the command is given, without the folder that is made for it alone", async () => {
  const [one, other] = [
    bench({ ...SHELL, path: ["/usr/bin", "/bin"] }),
    bench({ ...SHELL, path: ["/bin", "/usr/bin"] }),
  ];
  const { environment } = await resolve(one, ["sh"]);
  expect(environment).toEqual({
    PATH: "/usr/bin:/bin",
    LANG: "C.UTF-8",
    HOME: "a private folder",
    TMPDIR: "a private folder",
  });
  expect((await resolve(other, ["sh"])).environment).not.toEqual(environment);
});

it("A4 script: a file that a command names and that has changed since is not run", async () => {
  const there = bench(SHELL);
  script(there, "check.sh");
  expect(await changed(there, ["sh", "check.sh"], () => script(there, "check.sh", "echo evil\n"))).toBe(
    "resolution-changed",
  );
});

it("A4 symbolic link: one that a command names and that leads elsewhere since is not run, wherever in the path it is", async () => {
  const there = bench(SHELL);
  for (const folder of ["good", "evil"]) {
    mkdirSync(there.at(folder));
    script(there, `${folder}/check.sh`, `echo ${folder}\n`);
  }
  symlinkSync("good", there.at("current"));
  symlinkSync("current/check.sh", there.at("check.sh"));
  expect(await resolve(there, ["sh", "check.sh"])).toMatchObject({
    named: [
      { path: "check.sh", links: ["check.sh -> current/check.sh", "current -> good"], digest: digestOf("echo good\n") },
    ],
  });
  const relink = (): void => {
    rmSync(there.at("current"));
    symlinkSync("evil", there.at("current"));
  };
  expect(await changed(there, ["sh", "check.sh"], relink)).toBe("resolution-changed");
  const rewrite = (): void => script(there, "evil/check.sh", "echo worse\n");
  expect(await changed(there, ["sh", "current/check.sh"], rewrite)).toBe("resolution-changed");
});

it("A4 symbolic link: one that leads out of the workspace, or round in circles, is named by what it says", async () => {
  const there = bench(SHELL);
  symlinkSync("/etc/passwd", there.at("out"));
  symlinkSync("round", there.at("round"));
  const { named } = await resolve(there, ["sh", "out", "round"]);
  expect(named).toMatchObject([{ path: "out", links: ["out -> /etc/passwd"] }, { path: "round" }]);
});
