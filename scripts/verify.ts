/**
 * Every check in one go: format and lint, types, layout, generated files, tests. Runs all of them even when one fails,
 * and ends with a line `N passed, N failed`, which counts the tests that vitest reports and each other check as one.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What vitest's JSON reporter says of a run, as far as it is read here. */
interface TestReport {
  readonly success: boolean;
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
}

export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Counts of one test run. A run that failed without a failed test (a crash, an unhandled error, no report) is one failure. */
export function tallyOf(report: TestReport | undefined, exit: number | null): Tally {
  const { numPassedTests: passed = 0, numPendingTests: skipped = 0 } = report ?? {};
  const failed = report?.numFailedTests ?? 0;
  const broken = failed === 0 && (exit !== 0 || report?.success !== true);
  return { passed, failed: broken ? 1 : failed, skipped };
}

/** Runs a script, or a tool of node_modules, under the Node that runs this. */
function run(title: string, script: string, args: readonly string[]): number | null {
  console.log(`\n── ${title}`);
  const start = performance.now();
  const { status } = spawnSync(process.execPath, [script, ...args], { stdio: ["ignore", "inherit", "inherit"] });
  console.log(
    `── ${title}: ${status === 0 ? "ok" : "failed"} after ${((performance.now() - start) / 1000).toFixed(1)} s`,
  );
  return status;
}

function tool(name: string): string {
  return join("node_modules/.bin", name);
}

function runTests(): Tally {
  const folder = mkdtempSync(join(tmpdir(), "pinion-verify-"));
  const file = join(folder, "report.json");
  try {
    const exit = run("tests", tool("vitest"), [
      "run",
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${file}`,
    ]);
    return tallyOf(readReport(file), exit);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function readReport(file: string): TestReport | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as TestReport;
  } catch (cause) {
    console.error(`vitest left no report: ${String(cause)}`);
    return undefined;
  }
}

if (import.meta.main) {
  const checks: readonly (readonly [title: string, script: string, args: readonly string[]])[] = [
    ["format and lint", tool("biome"), ["check", "--error-on-warnings"]],
    ["types", tool("tsc"), ["-p", "."]],
    ["layout", "scripts/layout.ts", []],
    ["types of the schemas", "scripts/generate-types.ts", ["--check"]],
    ["validators of the schemas", "scripts/generate-validators.ts", ["--check"]],
    ["components of the hooks", "scripts/build-hooks.ts", ["--check"]],
  ];
  const broken = checks.filter((check) => run(...check) !== 0).map(([title]) => title);
  const tests = runTests();
  const passed = tests.passed + checks.length - broken.length;
  const failed = tests.failed + broken.length;
  if (tests.skipped > 0) console.log(`${tests.skipped} skipped`);
  if (broken.length > 0) console.log(`failed checks: ${broken.join(", ")}`);
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}
