import type { ExitCode } from "../model/errors.ts";
import { testHook } from "../runtime/authoring/test.ts";
import type { Call } from "./command.ts";
import { environment } from "./environment.ts";
import { painter } from "./output.ts";
import { jsonLine, visible } from "./visible.ts";

/** `hook test`: one line a case; below a case that failed, what was expected and what was found. */
export async function test({ args: [manifest = "."], json, out }: Call<object>): Promise<ExitCode> {
  const tested = await testHook({ manifest, onNotice: out.talk }, environment());
  if (json) {
    out.data(jsonLine(tested));
    return tested.exit;
  }
  const paint = painter(process.stdout);
  for (const { name, ok, differences } of tested.cases) {
    out.data(`${paint(ok ? "✓" : "✗", ok ? "good" : "bad")} ${visible(name)}`);
    for (const { what, expected, found } of differences) {
      out.data(visible(`    ${what}\n      expected  ${expected}\n      found     ${found}`));
    }
  }
  out.data(`${tested.passed} passed, ${tested.failed} failed`);
  return tested.exit;
}
