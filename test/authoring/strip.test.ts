import { describe, expect, it } from "vitest";
import { BuildError } from "../../src/authoring/fault.ts";
import { strip } from "../../src/authoring/strip.ts";

/** What is said of a source that is wrong. */
function fault(code: string): string {
  try {
    strip("a.ts", code);
  } catch (error) {
    if (error instanceof BuildError) return error.message;
    throw error;
  }
  throw new Error("nothing is wrong with it");
}

describe("TypeScript that is wrong", () => {
  it("is shown with its line, column and a caret", () => {
    expect(fault("interface X\n  const a = 1;\n\nexport {};\n")).toBe(
      "a.ts:2:3: Expected '{', got 'const'\n    const a = 1;\n    ^^^^^",
    );
  });

  it("is shown without what stands around it, which may be empty or end with a carriage return", () => {
    expect(fault("let x = 1;\r\n\r\nlet : = 3;\r\n\r\nlet y = 1;\r\n")).toBe(
      "a.ts:3:7: Expression expected\n  let : = 3;\n        ^",
    );
  });

  it("has columns that count a tab as one character, and a caret that stands where a terminal shows it", () => {
    const [place = "", line = "", caret = ""] = fault("\n\t\tlet x\t: = 3;\n").split("\n");
    expect(place).toMatch(/^a\.ts:2:11: /);
    expect(line.indexOf("=")).toBe(caret.indexOf("^"));
  });

  it("has no column behind characters that are not one cell wide", () => {
    expect(fault("const a = '漢字'; let : = 3;\n")).toMatch(/^a\.ts:1: .*\n {2}const a = '漢字'; let : = 3;\n +\^$/);
  });

  it("has no excerpt of several lines, or of a line that fills a screen", () => {
    expect(fault("\nenum A {\n B\n}\n")).toBe("a.ts:2: TypeScript enum is not supported in strip-only mode");
    expect(fault(`let a = "${"x".repeat(5000)}"; let : = 3;`)).toBe("a.ts:1:5019: Expression expected");
  });
});
