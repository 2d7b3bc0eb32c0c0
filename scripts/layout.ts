/**
 * The layout check: which file may import which. Dependencies run one way,
 * `cli, harness → runtime → rooms → model`, and only `src/runtime.ts` (with its folder) joins rooms.
 */
import { globSync, readFileSync } from "node:fs";
import { posix } from "node:path";

export interface LayoutFault {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

const MAX_LINES = 400;

/** What reads the world without being asked: allowed in runtime.ts and cli only. */
const AMBIENT =
  /\b(?:Date\.now|new Date\(\s*\)|performance\.now|process\.hrtime|Math\.random|process\.env|process\.cwd|randomBytes|randomUUID|randomInt)(?!\w)/g;

const COMMENT_OR_TEXT = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g;
const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*["']([^"']+)["']/g;

/** The zone of a file: `model`, the name of a room, `runtime`, `index`, `cli`, `harness`, or undefined for files that are free. */
function zoneOf(file: string): string | undefined {
  if (file.startsWith("harness/")) return "harness";
  if (/^src\/runtime(\.ts$|\/)/.test(file)) return "runtime";
  if (file === "src/index.ts") return "index";
  return /^src\/([^/]+)\//.exec(file)?.[1];
}

/** Why a file of zone `from` may not import a file of zone `to`, or undefined when it may. */
function refusal(from: string, to: string | undefined): string | undefined {
  if (to === undefined) return "is outside src/ and harness/";
  if (from === to) return undefined;
  if (from === "harness") return to === "index" ? undefined : "harness imports src/index.ts and nothing else of src/";
  if (to === "cli") return "nothing imports the command line";
  if (from === "cli") {
    return ["model", "runtime", "index", "harness"].includes(to) ? undefined : "the command line asks runtime.ts";
  }
  if (to === "harness") return "only the command line imports the harness";
  if (from === "model") return "model imports nothing";
  if (to === "model" || from === "index") return undefined;
  if (from === "runtime" && to !== "index") return undefined;
  if (from === "kernel" && to === "sandbox") return "the kernel never imports the sandbox";
  return `a room imports itself and model; only src/runtime.ts joins rooms`;
}

/** Every fault of one file; `file` is its path from the root with forward slashes. Pure. */
export function layoutFaults(file: string, text: string): LayoutFault[] {
  const faults: LayoutFault[] = [];
  const add = (index: number, message: string) => {
    faults.push({ file, line: text.slice(0, index).split("\n").length, message });
  };
  const blank = (part: string) => part.replace(/[^\n]/g, " ");
  const code = text.replace(COMMENT_OR_TEXT, (part) => (part.startsWith("/") ? blank(part) : part));
  const bare = text.replace(COMMENT_OR_TEXT, blank);

  const lines = text.split("\n").length - 1;
  if (lines > MAX_LINES) add(text.length - 1, `${lines} lines, at most ${MAX_LINES}: split it`);
  const exported = /^export default\b/m.exec(bare);
  if (exported && file !== "vitest.config.ts") add(exported.index, "a default export: name it");

  const zone = zoneOf(file);
  if (zone === undefined) return faults;

  for (const match of code.matchAll(IMPORT)) {
    const target = match[1] ?? "";
    if (!target.startsWith(".")) continue;
    const path = posix.join(posix.dirname(file), target);
    if (/^schemas\/.*\.json$/.test(path)) continue;
    const reason = refusal(zone, zoneOf(path));
    if (reason) add(match.index, `imports \`${path}\`: ${reason}`);
  }
  const computed = /\bimport\s*\(\s*[^\s)]/.exec(bare);
  if (computed && zone !== "sandbox") add(computed.index, "imports a computed name, which cannot be checked");
  if (zone !== "cli" && zone !== "runtime") {
    for (const match of bare.matchAll(AMBIENT)) add(match.index, `uses \`${match[0]}\`: pass it in from runtime.ts`);
  }
  return faults;
}

/** The files that the check reads. */
export function layoutFiles(root: string): string[] {
  return globSync("{src,harness,scripts,test,hooks,bin}/**/*.{ts,mjs}", { cwd: root })
    .filter((file) => !/(^|\/)(node_modules|dist|generated)\//.test(file) && !file.endsWith(".d.ts"))
    .sort();
}

if (import.meta.main) {
  const faults = layoutFiles(".").flatMap((file) => layoutFaults(file, readFileSync(file, "utf8")));
  for (const fault of faults) console.error(`${fault.file}:${fault.line}: ${fault.message}`);
  process.exitCode = faults.length > 0 ? 1 : 0;
}
