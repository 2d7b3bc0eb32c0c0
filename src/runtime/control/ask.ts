import { createConnection } from "node:net";
import { watchFolder } from "../../journal/follow.ts";
import { holderOf } from "../../journal/lock.ts";
import { type ControlAnswer, type ControlRequest, MAX_CONTROL_LINE } from "../../model/control.ts";
import { WorldError } from "../../model/errors.ts";
import { openSocketFolder, SOCKET } from "./socket.ts";

/** How often a process is looked for that may have died without a trace, in ms. */
const LOOK_MS = 500;

/** When somebody stops waiting. */
export interface Deadline {
  /** ms until then; 0 from then on. */
  left(): number;
}

/**
 * Asks the process that works on the run in `folder`. Undefined when there is none; asks again where the run was just beginning,
 * ending, or busy with others. Throws `WorldError` (`no-answer`) when the time is up.
 */
export async function askRun(
  folder: string,
  request: ControlRequest,
  deadline: Deadline,
): Promise<ControlAnswer | undefined> {
  const watch = watchFolder(folder);
  try {
    for (;;) {
      if (holderOf(folder) === undefined) return undefined;
      const answer = await askOnce(folder, request, deadline);
      const again = answer === undefined || ("error" in answer && answer.error.code === "too-late");
      if (!again) return answer;
      if (deadline.left() === 0) throw noAnswer(folder);
      await watch.changed(Math.min(LOOK_MS, left(deadline)));
    }
  } finally {
    watch.close();
  }
}

/** Waits until nobody works on the run any more. False when the time is up before. */
export async function letGo(folder: string, deadline: Deadline): Promise<boolean> {
  const watch = watchFolder(folder);
  try {
    while (holderOf(folder) !== undefined) {
      if (deadline.left() === 0) return false;
      await watch.changed(Math.min(LOOK_MS, left(deadline)));
    }
    return true;
  } finally {
    watch.close();
  }
}

/** Undefined when nobody listens, or the connection ended without an answer. Throws `WorldError` when the time is up. */
function askOnce(folder: string, request: ControlRequest, deadline: Deadline): Promise<ControlAnswer | undefined> {
  const place = openSocketFolder(folder);
  return new Promise<ControlAnswer | undefined>((resolve, reject) => {
    const socket = createConnection(place.at(SOCKET));
    const chunks: Buffer[] = [];
    let bytes = 0;
    const timer = setTimeout(() => {
      reject(noAnswer(folder));
      socket.destroy();
    }, left(deadline));
    socket.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_CONTROL_LINE) socket.destroy();
      else chunks.push(chunk);
    });
    // Nobody listens, or nobody does any more: `close` follows.
    socket.on("error", () => undefined);
    socket.once("close", () => {
      clearTimeout(timer);
      resolve(toAnswer(Buffer.concat(chunks).toString()));
    });
    socket.write(`${JSON.stringify(request)}\n`);
  }).finally(() => place.close());
}

function toAnswer(text: string): ControlAnswer | undefined {
  if (!text.endsWith("\n")) return undefined;
  const answer: unknown = JSON.parse(text);
  return typeof answer === "object" && answer !== null && ("ok" in answer || "error" in answer)
    ? (answer as ControlAnswer)
    : undefined;
}

/** For what takes 0 ms for no limit. */
function left(deadline: Deadline): number {
  return Math.max(1, deadline.left());
}

function noAnswer(folder: string): WorldError {
  const holder = holderOf(folder);
  return new WorldError({
    code: "no-answer",
    message: `the run has not done what it was asked in time: process ${holder?.pid ?? "?"} is still at work on it`,
    hint: "it takes effect at the run's next boundary: wait longer with `--timeout`, or look with `pinion run status`",
  });
}
