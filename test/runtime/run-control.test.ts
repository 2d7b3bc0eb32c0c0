import { expect, test } from "vitest";
import type { RunJournal } from "../../src/journal/journal.ts";
import type { Control } from "../../src/model/entry.ts";
import { RunControl } from "../../src/runtime/control/run-control.ts";

/** The control of a run, with what its kernel is to meet. */
function controlled(run: string) {
  const asked: Control[] = [];
  const ask = (control: Control) => {
    asked.push(control);
    return Promise.resolve(true);
  };
  const journal = { ended: false, ask, push: ask, onPoll: () => undefined } as unknown as RunJournal;
  const control = new RunControl(new AbortController().signal);
  control.attach({ run, journal, hooks: [], trust: { look: () => [] }, onNotice: () => undefined });
  return { control, asked };
}

test("C3 a child that begins when its parent has been asked for it, and has not met it yet, hears of it too", async () => {
  const [parent, child] = [controlled("parent"), controlled("child")];
  const revocation = { ask: "revoke-lease", lease: "lease-1", reason: "too much", by: "alice", wait: false } as const;
  await parent.control.answer(revocation);
  await parent.control.answer({ ask: "pause", by: "alice", wait: false });
  parent.control.adopt(child.control);
  const { lease, reason, by } = revocation;
  expect(child.asked).toEqual([
    { kind: "pause", by },
    { kind: "revoke-lease", lease: `parent/${lease}`, reason, by },
  ]);
});
