import { EXIT, type ExitCode } from "../../model/errors.ts";
import { type RunStatus, statusOf } from "../../runtime.ts";
import type { Call } from "../command.ts";
import { environment } from "../environment.ts";
import { painter } from "../output.ts";
import { fields } from "../timeline/line.ts";
import { jsonLine, visible, visibleLine } from "../visible.ts";

export async function status({ args: [run = ""], json, out }: Call<object>): Promise<ExitCode> {
  const found = await statusOf(run, environment());
  out.data(json ? jsonLine(found) : statusText(found, painter(process.stdout)));
  return EXIT.ok;
}

const TONES = {
  pending: "plain",
  running: "accent",
  interrupted: "warn",
  paused: "warn",
  completed: "good",
  failed: "bad",
  terminated: "bad",
  damaged: "bad",
} as const;

function statusText(status: RunStatus, paint: ReturnType<typeof painter>): string {
  const { run, state, reason, agent, process, waiting, journal, changes } = status;
  const rows: readonly (readonly [name: string, value: string | null])[] = [
    ["run", run],
    ["agent", agent],
    ["blueprint", status.blueprint],
    ["source", sourceText(status)],
    ["workspace", status.workspace],
    ["process", process === null ? null : String(process)],
    ["step", String(status.step)],
    ["waits for", waiting === null ? null : `${waiting.kind.replace(/^input\./, "")} ${fields(waiting.about)}`],
    ...usageRows(status),
    ["failed", status.failed.map(({ hook, cause }) => `${hook} (${cause})`).join(", ") || null],
    ["revoked", status.revoked.join(", ") || null],
    ...status.approvals.map(
      (one) =>
        ["approval", `${one.approval} of run ${one.run}: ${one.subject}${one.expired ? ", expired" : ""}`] as const,
    ),
    ...status.approvals.map((one) => ["look", `pinion run approvals ${one.run}`] as const),
    ["trusted", status.signed.map(({ hook, signer }) => `${hook} (signed by ${signer})`).join(", ") || null],
    ["distrusted", status.distrusted.join(", ") || null],
    ["parent", status.parent],
    ...status.children.map((child) => ["child", `${child.run} ${child.state} ${child.agent}`] as const),
    ["changes", changes === undefined ? null : `${heldText(changes)}, not committed: pinion run diff ${status.run}`],
    ["journal", `${journal.file}, ${journal.entries} entries, ${journal.bytes} bytes`],
    ["torn", journal.torn === 0 ? null : `${journal.torn} bytes of an entry that was not finished`],
    ["started", timeText(status.startedAt)],
    ["last", timeText(status.lastAt)],
    ["go on", goOn(status)],
  ];
  const lines = rows.flatMap(([name, value]) =>
    value === null ? [] : [`  ${paint(name.padEnd(12), "dim")} ${visibleLine(value)}`],
  );
  const why = reason === "" ? "" : `: ${visible(reason)}`;
  return [paint(`${state}${why}`, TONES[state]), ...lines].join("\n");
}

function sourceText({ source }: RunStatus): string | null {
  if (source === null) return null;
  if (source === "sealed") return "unknown: the run's key is gone";
  const { file, is } = source;
  if (is === "same") return file;
  return `${file} (${is === "gone" ? "is no longer there" : "has changed since"}; the run does not use it)`;
}

/** What has a limit, with it. */
function usageRows({ usage, limits }: RunStatus): readonly (readonly [string, string])[] {
  return Object.entries(limits).flatMap(([name, allowed]) =>
    usage[name] === undefined ? [] : [[name, `${usage[name]} of ${allowed}`] as const],
  );
}

function timeText(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

function goOn({ run, state, process }: RunStatus): string | null {
  if (process !== null) return `pinion run logs ${run} -f`;
  return state === "paused" || state === "pending" || state === "interrupted" ? `pinion run resume ${run}` : null;
}

function heldText({ paths, bytes }: NonNullable<RunStatus["changes"]>): string {
  return paths === null ? "some" : `${paths} ${paths === 1 ? "path" : "paths"}, ${bytes} bytes`;
}
