import type { ExitCode } from "../model/errors.ts";
import { type HookRun, runHook } from "../runtime/authoring/run.ts";
import type { Call } from "./command.ts";
import { environment } from "./environment.ts";
import { painter } from "./output.ts";
import { columns } from "./table.ts";
import { jsonLine, visible } from "./visible.ts";

interface Options {
  readonly phase: string;
  readonly input: string;
  readonly config?: string;
  readonly workspace?: string;
}

/** `hook run`: the verdict, and all that the hook did on the way. */
export async function run({ args: [manifest = "."], options, json, out }: Call<Options>): Promise<ExitCode> {
  const done = await runHook({ manifest, ...options, onNotice: out.talk }, environment());
  out.data(json ? jsonLine(done) : text(done));
  return done.exit;
}

function text(done: HookRun): string {
  const paint = painter(process.stdout);
  const stopped = done.decision === "block" || done.decision === "failed";
  const word = paint(done.cause === undefined ? done.decision : `failed (${done.cause})`, stopped ? "bad" : "good");
  const rows = [
    ...done.events.map(({ kind, data }) => ["event", kind, JSON.stringify(data)]),
    ...done.capsules.map(({ kind, value }) => ["capsule", kind, JSON.stringify(value)]),
    ...done.approvals.map((request) => ["approval", "demanded", JSON.stringify(request)]),
    ...done.calls.map(({ call, answer }) => ["hostcall", call, answer ?? ""]),
    ["fuel", done.fuel === undefined ? "unknown" : String(done.fuel), `of ${done.limits.fuel}`],
  ];
  const lines = [
    `${word}: ${visible(done.rationale)}`,
    columns(rows.map(([what = "", ...rest]) => [`  ${what}`, ...rest])),
  ];
  if (done.payload !== undefined) lines.push(visible(JSON.stringify(done.payload, null, 2)));
  return lines.join("\n");
}
