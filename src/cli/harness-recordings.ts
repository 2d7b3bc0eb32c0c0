import type { ExitCode } from "../model/errors.ts";
import type { Call } from "./command.ts";
import { environment } from "./environment.ts";
import { harness } from "./load.ts";
import { painter } from "./output.ts";
import { plainLine } from "./plain.ts";
import type { ReplayResult } from "./ports.ts";
import { json } from "./summary.ts";
import { timelineOf } from "./timeline.ts";
import { visible, visibleLine } from "./visible.ts";

interface ReplayOptions {
  readonly key?: string;
  readonly artifacts?: readonly string[];
}

/** `harness replay`: the answer, and on a divergence where it is. */
export async function replay({
  args: [file = ""],
  options,
  json: asJson,
  out,
}: Call<ReplayOptions>): Promise<ExitCode> {
  const { key, artifacts } = options;
  const result = await (await harness()).replayRecording(file, { key, artifacts }, environment());
  out.data(asJson ? json(result) : replayText(result));
  return result.exit;
}

function replayText({ answer, message, divergence, sealed, steps, elapsedMs }: ReplayResult): string {
  const words = answer === "identical-except-sealed" ? `identical except ${sealed} sealed` : answer;
  const lines = [`${words}: ${visible(message)}`];
  if (divergence !== undefined) {
    const { seq, phase, hook, expected, found } = divergence;
    const where = [`seq ${seq}`, phase && `phase ${phase}`, hook && `hook ${hook}`].filter(Boolean).join(", ");
    lines.push(
      `  at        ${visibleLine(where)}`,
      `  expected  ${visibleLine(expected)}`,
      `  found     ${visibleLine(found)}`,
    );
  }
  lines.push(`  ${steps} steps in ${elapsedMs.toFixed(0)} ms`);
  return lines.join("\n");
}

/** `harness show`: the timeline, as far as the file can be read. */
export async function show({ args: [file = ""], options, json: asJson, out }: Call<{ all?: true }>): Promise<ExitCode> {
  const { entries, ...view } = await (await harness()).showRecording(file, environment());
  const lines = entries.flatMap(timelineOf).filter((line) => options.all === true || !line.minor);
  if (asJson) {
    const { exit: _, ...said } = view;
    out.data(json({ ...said, lines }));
    return view.exit;
  }
  const paint = painter(process.stdout);
  for (const line of lines) out.data(plainLine(line, paint));
  out.data("");
  (view.state === "whole" ? out.data : out.talk)(`${view.state}: ${visible(view.message)}`);
  return view.exit;
}
