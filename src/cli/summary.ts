import type { PendingApproval, RunSummary } from "../runtime.ts";
import { answerCommands } from "./approval/lines.ts";
import type { painter } from "./output.ts";
import { visible, visibleLine } from "./visible.ts";

const TONES = {
  completed: "good",
  paused: "warn",
  running: "plain",
  pending: "plain",
  failed: "bad",
  terminated: "bad",
} as const;

/** What a run came to, for people. The agent's last words are left out where they have just been seen. */
export function summaryText(summary: RunSummary, paint: ReturnType<typeof painter>): string {
  const seen = process.stdout.isTTY && process.stderr.isTTY;
  const { state, reason, steps, blocked, redactions, tokens } = summary;
  const rows: readonly (readonly [name: string, value: string | null])[] = [
    ["run", summary.run],
    ["result", summary.result === "" || seen ? null : summary.result.trim().replaceAll("\n", `\n${" ".repeat(12)}`)],
    ["counts", `${steps} steps, ${blocked} blocked, ${redactions} redacted, ${tokens.input} + ${tokens.output} tokens`],
    ["children", summary.children.length === 0 ? null : summary.children.join(", ")],
    ["changes", changesText(summary)],
    ["recording", summary.recording],
    ["journal", summary.journal],
    ["head", summary.head],
    ["blueprint", summary.blueprint],
    ...summary.approvals.flatMap(approvalRows),
    ["go on", state === "paused" || state === "pending" ? `pinion run resume ${summary.run}` : null],
  ];
  const lines = rows.flatMap(([name, value]) =>
    value === null ? [] : [`  ${paint(name.padEnd(9), "dim")} ${visible(value)}`],
  );
  return [paint(`${state}: ${visible(reason)}`, TONES[state]), ...lines].join("\n");
}

/** What it waits for, whose it is where that is a child, and how to answer. */
function approvalRows(pending: PendingApproval): readonly (readonly [string, string])[] {
  const { run, approval, subject, action, expired } = pending;
  const [approve, deny] = answerCommands(pending);
  return [
    ["approval", `${approval} of run ${run}: ${visibleLine(subject)}${expired ? " (expired)" : ""}`],
    ["action", action],
    ["look", `pinion run approvals ${run}`],
    ["approve", approve],
    ["deny", deny],
  ];
}

function changesText({ changes, run }: RunSummary): string | null {
  if (changes === null) return null;
  if (changes === 0) return "none";
  return `${changes} ${changes === 1 ? "path" : "paths"}, not in the workspace yet; look: pinion run diff ${run}`;
}
