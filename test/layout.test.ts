import { expect, it } from "vitest";
import { layoutFaults } from "../scripts/layout.ts";

const refused: readonly [title: string, file: string, text: string, message: RegExp][] = [
  ["a room that imports another", "src/llm/a.ts", 'import { x } from "../journal/x.ts";\n', /joins rooms/],
  ["a type taken from another room", "src/llm/a.ts", 'import type { X } from "../vfs/x.ts";\n', /joins rooms/],
  ["an export that passes on another room", "src/llm/a.ts", 'export { x } from "../vfs/x.ts";\n', /joins rooms/],
  ["a lazy import of another room", "src/llm/a.ts", 'await import("../vfs/x.ts");\n', /joins rooms/],
  ["an import over several lines", "src/llm/a.ts", 'import {\n  x,\n} from "../vfs/x.ts";\n', /joins rooms/],
  ["an import for its effect", "src/llm/a.ts", 'import "../vfs/x.ts";\n', /joins rooms/],
  ["a computed import", "src/llm/a.ts", "await import(`../vfs/${name}.ts`);\n", /computed/],
  ["a room that imports the runtime", "src/llm/a.ts", 'import { x } from "../runtime.ts";\n', /joins rooms/],
  ["model importing a room", "src/model/a.ts", 'import { x } from "../vfs/x.ts";\n', /model imports nothing/],
  ["the kernel importing the sandbox", "src/kernel/a.ts", 'import { x } from "../sandbox/x.ts";\n', /never imports/],
  ["a room importing the command line", "src/kernel/a.ts", 'import { x } from "../cli/x.ts";\n', /command line/],
  ["the command line reaching into a room", "src/cli/a.ts", 'import { x } from "../journal/x.ts";\n', /asks runtime/],
  ["the harness reaching into a room", "harness/a.ts", 'import { x } from "../src/journal/x.ts";\n', /src\/index\.ts/],
  ["the harness importing the runtime", "harness/a.ts", 'import { x } from "../src/runtime.ts";\n', /src\/index\.ts/],
  ["a room importing the harness", "src/vfs/a.ts", 'import { x } from "../../harness/x.ts";\n', /harness/],
  ["a room importing a test", "src/vfs/a.ts", 'import { x } from "../../test/x.ts";\n', /outside/],
  ["the clock", "src/kernel/a.ts", "const t = Date.now();\n", /Date\.now/],
  ["the clock by another name", "harness/a.ts", "const t = new Date();\n", /new Date/],
  ["randomness", "src/journal/a.ts", "const r = Math.random();\n", /Math\.random/],
  ["randomness by another name", "src/journal/a.ts", "const r = randomBytes(12);\n", /randomBytes/],
  ["the environment", "src/llm/a.ts", "const k = process.env.KEY;\n", /process\.env/],
  ["the working directory", "src/vfs/a.ts", "const d = process.cwd();\n", /process\.cwd/],
  ["the clock inside a template", "src/vfs/a.ts", "const t = `${Date.now()}`;\n", /Date\.now/],
  ["a default export", "src/vfs/a.ts", "export default function f() {}\n", /default export/],
  ["a file of 401 lines", "scripts/a.ts", "\n".repeat(401), /401 lines/],
];

it.each(refused)("refuses %s", (_, file, text, message) => {
  const faults = layoutFaults(file, text);
  expect(faults).toHaveLength(1);
  expect(faults[0]?.message).toMatch(message);
});

const allowed: readonly [title: string, file: string, text: string][] = [
  ["a room that imports itself and model", "src/llm/a.ts", 'import "./b.ts";\nimport "../model/json.ts";\n'],
  ["a room that imports packages", "src/llm/a.ts", 'import { z } from "yaml";\nimport "node:fs";\n'],
  ["a room that imports a schema", "src/llm/a.ts", 'import s from "../../schemas/a.v1.json" with { type: "json" };\n'],
  ["the runtime joining rooms", "src/runtime.ts", 'import "./llm/a.ts";\nimport "./vfs/b.ts";\n'],
  ["a part of the runtime joining rooms", "src/runtime/a.ts", 'import "../llm/a.ts";\nimport "../vfs/b.ts";\n'],
  ["the harness importing the index", "harness/sub/a.ts", 'import { x } from "../../src/index.ts";\n'],
  ["the command line asking the runtime", "src/cli/a.ts", 'import { x } from "../runtime.ts";\nprocess.cwd();\n'],
  ["a clock in a comment", "src/vfs/a.ts", "// not Date.now()\n/* nor\n process.env */\n"],
  ["a clock in a text", "src/vfs/a.ts", 'const hint = "use Date.now";\n'],
  ["a date from a number", "src/vfs/a.ts", "const d = new Date(at);\n"],
  ["a file of 400 lines", "scripts/a.ts", "\n".repeat(400)],
];

it.each(allowed)("allows %s", (_, file, text) => {
  expect(layoutFaults(file, text)).toEqual([]);
});

it("names the line of the fault", () => {
  expect(layoutFaults("src/vfs/a.ts", "/*\n*/\nDate.now();\n")).toMatchObject([{ file: "src/vfs/a.ts", line: 3 }]);
});
