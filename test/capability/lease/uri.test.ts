import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { beyond, covers } from "../../../src/capability/lease/capability.ts";
import { parseCapability, printCapability, readCapability } from "../../../src/capability/lease/uri.ts";
import { runs, seed } from "../../support/property.ts";
import { arbitraryCapability, arbitraryNarrowing, naiveCovers, needsOf, patternsNear } from "./capabilities.ts";

const read = (text: string) => parseCapability(text, "here");
const canonical = (text: string): string => printCapability(read(text));

describe("the one spelling of a capability", () => {
  test.each([
    ["capability://fs/workspace/src/**?action=write,read", "capability://fs/workspace/src/**?action=read,write"],
    ["capability://fs/workspace/%61%2a?uses=3&action=read", "capability://fs/workspace/a%2A?action=read&uses=3"],
    ["capability://fs/workspace/ü?action=read", "capability://fs/workspace/%C3%BC?action=read"],
    ["capability://fs/workspace/**/*/**?action=read", "capability://fs/workspace/*/**?action=read"],
    ["capability://tool/file.read", "capability://tool/file.read?action=call"],
    ["capability://process/git/%2F/**?rate=5/1000", "capability://process/git/%2F/**?action=run&rate=5/1000"],
    ["capability://http/*/**?action=get&allow=b.org,a.org/x", "capability://http/*/**?action=get&allow=a.org/x,b.org"],
    ["capability://agent/helper?max=2&expires=10", "capability://agent/helper?action=spawn&expires=10&max=2"],
    ["capability://secret/github-token", "capability://secret/github-token?action=use"],
  ])("of %s is %s", (text, printed) => {
    expect(canonical(text)).toBe(printed);
    expect(canonical(printed)).toBe(printed);
  });

  test("is read as it was printed", () => {
    fc.assert(
      fc.property(arbitraryCapability, (capability) => {
        const text = printCapability(capability);
        expect(read(text)).toEqual(capability);
        expect(printCapability(read(text))).toBe(text);
      }),
      { seed, numRuns: runs(300, 5000) },
    );
  });
});

test.each([
  ["file:///etc", "does not begin with"],
  ["capability://disk/a?action=read", "`disk` is no resource"],
  ["capability://fs/workspace/a", "has no `action`"],
  ["capability://fs/workspace/a?action=read,read", "there twice"],
  ["capability://fs/workspace/a?action=read&action=write", "there twice"],
  ["capability://fs/workspace/a?action=run", "no action `run`"],
  ["capability://fs/workspace/a?action=read&owner=me", "no constraint `owner`"],
  ["capability://fs/workspace/a?action=read&uses=0", "expected a whole number"],
  ["capability://fs/workspace/a?action=read&uses=03", "expected a whole number"],
  ["capability://fs/workspace/a?action=read&uses=1e9", "expected a whole number"],
  ["capability://fs/workspace/a?action=read&uses=9007199254740993", "expected a whole number"],
  ["capability://fs/workspace/a?action=read&uses=", "has no value"],
  ["capability://fs/workspace/a?action=read&rate=5", "expected a whole number"],
  ["capability://fs/workspace/a?action=read&max=5", "for `agent` only"],
  ["capability://fs/workspace/a?action=read?uses=1", "two `?`"],
  ["capability://fs/workspace/a#b?action=read", "percent-encoded"],
  ["capability://fs/workspace/a b?action=read", "percent-encoded"],
  ["capability://fs/etc/passwd?action=read", "below `workspace`"],
  ["capability://fs/**?action=read", "below `workspace`"],
  ["capability://fs/workspace/../a?action=read", "no path has"],
  ["capability://fs/workspace/%2e%2e/a?action=read", "no path has"],
  ["capability://fs/workspace//a?action=read", "no path has"],
  ["capability://fs/workspace/a%2Fb?action=read", "no path has"],
  ["capability://fs/workspace/a**?action=read", "whole segments"],
  ["capability://fs/workspace/%00?action=read", "not percent-encoded"],
  ["capability://fs/workspace/%ff?action=read", "not percent-encoded"],
  ["capability://fs/workspace/%?action=read", "not percent-encoded"],
  ["capability://fs/workspace/**/a/**/a/**/a/**/a/**?action=read", "more than 4"],
  ["capability://http/Example.org?action=get", "host in lower case"],
  ["capability://process/?action=run", "what of the resource"],
  ["capability://process?action=run", "what of the resource"],
  ["capability://process//x?action=run", "begins with a program"],
  ["capability://tool/a/b", "has one name"],
  ["capability://agent/**", "has one name"],
  [`capability://fs/workspace/${"ü".repeat(1000)}?action=read`, "longer than 4096"],
  [`capability://process/${"a/".repeat(64)}a`, "more than 64 segments"],
])("refuses %s", (text, why) => {
  expect(() => read(text)).toThrowError(expect.objectContaining({ code: "bad-capability", exit: 2 }));
  expect(readCapability(text)).toEqual({ wrong: expect.stringContaining(why) });
});

describe("what a capability covers", () => {
  const need = (resource: "fs" | "process" | "http", action: string, path: string, deep = false) => ({
    resource,
    action,
    path: path === "" ? [] : path.split("/"),
    deep,
  });

  test("C8 /app and /app-backup: paths, words and hosts are compared by segments, never as prefixes", () => {
    const app = read("capability://fs/workspace/app/**?action=read");
    expect(covers(app, need("fs", "read", "app"))).toBe(true);
    expect(covers(app, need("fs", "read", "app/a/b"))).toBe(true);
    expect(covers(app, need("fs", "read", "app-backup"))).toBe(false);
    expect(covers(app, need("fs", "read", "app-backup/a"))).toBe(false);
    expect(covers(app, need("fs", "read", "apple"))).toBe(false);
    expect(covers(app, need("fs", "write", "app/a"))).toBe(false);
    const git = read("capability://process/git/status/**");
    expect(covers(git, need("process", "run", "git/status/-s"))).toBe(true);
    expect(covers(git, need("process", "run", "git/statusx"))).toBe(false);
    expect(covers(git, need("process", "run", "git-shell/status"))).toBe(false);
    const host = read("capability://http/*.example.org/api/**?action=get");
    expect(covers(host, need("http", "get", "a.example.org/api"))).toBe(true);
    expect(covers(host, need("http", "get", "example.org/api"))).toBe(false);
    expect(covers(host, need("http", "get", "evilexample.org/api"))).toBe(false);
    expect(covers(host, need("http", "get", "a.example.org/api-backup"))).toBe(false);
    for (const [wide, narrow] of [
      ["app/**", "app-backup/**"],
      ["app/*", "app/**"],
      ["app", "app/**"],
      ["a*", "b*"],
    ] as const) {
      const of = (path: string) => read(`capability://fs/workspace/${path}?action=read`);
      expect(beyond(of(narrow), of(wide))).toBe("its path goes beyond");
    }
  });

  test("a literal star is no wildcard", () => {
    const star = read("capability://process/echo/%2A");
    expect(covers(star, need("process", "run", "echo/*"))).toBe(true);
    expect(covers(star, need("process", "run", "echo/x"))).toBe(false);
  });

  test("a whole folder is covered by what stands for all below it only", () => {
    expect(covers(read("capability://fs/workspace/**?action=read"), need("fs", "read", "", true))).toBe(true);
    expect(covers(read("capability://fs/workspace/a/**?action=read"), need("fs", "read", "a", true))).toBe(true);
    expect(covers(read("capability://fs/workspace/*/**?action=read"), need("fs", "read", "", true))).toBe(false);
    expect(covers(read("capability://fs/workspace/*?action=read"), need("fs", "read", "a", true))).toBe(false);
    const some = read("capability://fs/workspace/**?action=read&allow=workspace/a/**,workspace/b");
    expect(covers(some, need("fs", "read", "a", true))).toBe(true);
    expect(covers(some, need("fs", "read", "", true))).toBe(false);
    expect(covers(some, need("fs", "read", "c"))).toBe(false);
  });

  test("is what a naive enumeration of its pattern finds", () => {
    fc.assert(
      fc.property(arbitraryCapability, fc.nat(), (capability, pick) => {
        for (const one of needsOf(capability, pick)) expect(covers(capability, one)).toBe(naiveCovers(capability, one));
      }),
      { seed, numRuns: runs(300, 5000) },
    );
  });
});

describe("one capability within another", () => {
  test.each([
    ["fs/workspace/**?action=read", "fs/workspace/a?action=read,write", "the action `write`"],
    ["fs/workspace/**?action=read&uses=3", "fs/workspace/**?action=read", "`uses` is not bounded, at most 3"],
    ["fs/workspace/**?action=read&uses=3", "fs/workspace/**?action=read&uses=4", "`uses` is 4, at most 3"],
    ["fs/workspace/**?action=read&expires=10", "fs/workspace/**?action=read&expires=11", "`expires` is 11"],
    ["fs/workspace/**?action=read&rate=5/100", "fs/workspace/**?action=read&rate=1/10", "`rate` lets 10 through"],
    ["fs/workspace/**?action=read", "tool/file.read", "the resource `tool`"],
    ["http/*/**?action=get&allow=a.org/**", "http/b.org/**?action=get", "its path goes beyond"],
  ])("%s does not contain %s: %s", (wide, narrow, why) => {
    expect(beyond(read(`capability://${narrow}`), read(`capability://${wide}`))).toContain(why);
  });

  test.each([
    ["http/*/**?action=get&allow=a.org/**,b.org", "http/a.org/x?action=get"],
    ["http/*/**?action=get&allow=a.org/**", "http/**?action=get&allow=a.org/x,a.org/y/**"],
    ["fs/workspace/**?action=read&rate=5/100", "fs/workspace/**?action=read&rate=1/20"],
    ["fs/workspace/*/**?action=read", "fs/workspace/**/a?action=read"],
    ["fs/workspace/a*c?action=read", "fs/workspace/a*b*c?action=read"],
  ])("%s contains %s", (wide, narrow) => {
    expect(beyond(read(`capability://${narrow}`), read(`capability://${wide}`))).toBeUndefined();
  });

  test("is an order: of itself; of what is within what is within; and of two within each other, the same", () => {
    fc.assert(
      fc.property(arbitraryCapability, fc.func(fc.nat()), (wide, choose) => {
        expect(beyond(wide, wide)).toBeUndefined();
        const middle = arbitraryNarrowing(wide, choose(1));
        const narrow = arbitraryNarrowing(middle, choose(2));
        if (beyond(middle, wide) === undefined && beyond(narrow, middle) === undefined)
          expect(beyond(narrow, wide)).toBeUndefined();
        for (const other of [middle, narrow]) {
          const [there, back] = [beyond(other, wide), beyond(wide, other)];
          if (there !== undefined || back !== undefined) continue;
          for (const one of [...needsOf(wide, 0), ...needsOf(other, 1)])
            expect(covers(other, one)).toBe(covers(wide, one));
        }
      }),
      { seed, numRuns: runs(300, 5000) },
    );
  });

  test("covers nothing that the wider one does not cover", () => {
    let within = 0;
    fc.assert(
      fc.property(arbitraryCapability, fc.func(fc.nat()), (wide, choose) => {
        for (const narrow of [arbitraryNarrowing(wide, choose(3)), ...patternsNear(wide)]) {
          if (beyond(narrow, wide) !== undefined) continue;
          within += 1;
          for (const need of needsOf(narrow, choose(4))) {
            if (naiveCovers(narrow, need)) expect(naiveCovers(wide, need)).toBe(true);
          }
        }
      }),
      { seed, numRuns: runs(300, 5000) },
    );
    expect(within).toBeGreaterThan(100);
  });
});
