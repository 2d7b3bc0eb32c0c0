import { Box, type Key, Text, useInput, useWindowSize } from "ink";
import { createElement, type ReactNode, useEffect, useState } from "react";
import type { ApprovalAnswer } from "../../model/entry.ts";
import { piecesOf } from "../approval/pieces.ts";

export interface QuestionProps {
  readonly title: string;
  /** Safe to print, one line each. */
  readonly lines: readonly string[];
  /** Whether the answer may cover the same action for the rest of the run. */
  readonly mayHold: boolean;
  /** ms without a key until keys are heeded: those before, and a key that is held down, were meant for what was there before. */
  readonly quietMs: number;
  readonly onAnswer: (answer: ApprovalAnswer | undefined) => void;
}

/** Rows that are not the action's: title, what is above and below, keys, and one to spare. */
const AROUND = 6;
const DENIED = { approve: false, reason: "denied at the terminal" } as const;

/**
 * An action that a person is asked about. All of it can be read, long lines in pieces, and only who has come to its end can approve it;
 * the answer that takes no thought is no.
 */
export function Question({ title, lines, mayHold, quietMs, onAnswer }: QuestionProps): ReactNode {
  const { columns, rows } = useWindowSize();
  const [top, setTop] = useState(0);
  const [isQuiet, setQuiet] = useState(quietMs > 0);
  const [early, setEarly] = useState(0);
  const [wasRead, setRead] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: every early key begins the wait anew
  useEffect(() => {
    const timer = setTimeout(() => setQuiet(false), quietMs);
    return () => clearTimeout(timer);
  }, [quietMs, early]);
  const pieces = lines.flatMap((line) => piecesOf(line, columns - 1));
  const height = Math.max(3, rows - AROUND);
  const last = Math.max(0, pieces.length - height);
  const isRead = wasRead || top >= last;
  const move = (to: number): void => {
    setTop(Math.max(0, Math.min(last, to)));
    if (to >= last) setRead(true);
  };
  useInput((input, key) => {
    if (isQuiet && !key.ctrl) return setEarly((count) => count + 1);
    const said = answerOf(input, key);
    if (said === undefined) return move(top + scrolled(input, key, height));
    const { answer } = said;
    const isHeld = answer?.approve === true && answer.scope === "run" && !mayHold;
    if (answer?.approve !== true || (isRead && !isHeld)) onAnswer(answer);
  });
  const shown = pieces.slice(Math.min(top, last), Math.min(top, last) + height);
  const below = pieces.slice(Math.min(top, last) + height);
  const rest = below.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0);
  return createElement(
    Box,
    { flexDirection: "column", marginTop: 1 },
    createElement(Text, { bold: true, color: "yellow" }, title),
    ...shown.map((piece, index) =>
      createElement(Text, { key: index, wrap: "truncate-end" }, piece === "" ? " " : piece),
    ),
    rest === 0
      ? null
      : createElement(Text, { color: "yellow" }, `… ${rest} more bytes in ${below.length} lines: space, ↓`),
    createElement(
      Text,
      { bold: true },
      isRead
        ? `y approve once${mayHold ? " · r for the rest of the run" : ""} · n deny (Enter) · l leave it waiting`
        : "read to the end to approve · n deny (Enter) · l leave it waiting",
    ),
  );
}

/** What a key says; `answer` is undefined where that is to leave it waiting. */
function answerOf(input: string, key: Key): { readonly answer: ApprovalAnswer | undefined } | undefined {
  if (key.ctrl) return input === "c" ? { answer: undefined } : undefined;
  if (key.escape || input === "l") return { answer: undefined };
  if (key.return || input === "n") return { answer: DENIED };
  if (input === "y") return { answer: { approve: true, scope: "once" } };
  return input === "r" ? { answer: { approve: true, scope: "run" } } : undefined;
}

/** Lines to go on by. */
function scrolled(input: string, key: Key, page: number): number {
  if (key.downArrow || input === "j") return 1;
  if (key.upArrow || input === "k") return -1;
  if (key.pageDown || input === " ") return page;
  return key.pageUp ? -page : 0;
}
