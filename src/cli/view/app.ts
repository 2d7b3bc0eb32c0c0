import { Box, Static, Text } from "ink";
import { createElement, Fragment, type ReactNode, useEffect, useState, useSyncExternalStore } from "react";
import type { Progress } from "../progress.ts";
import type { TimelineLine, Tone } from "../timeline/line.ts";
import type { Feed } from "./feed.ts";

const STYLES: Readonly<
  Record<Tone, { readonly color?: string; readonly bold?: boolean; readonly dimColor?: boolean }>
> = {
  plain: {},
  strong: { bold: true },
  dim: { dimColor: true },
  good: { color: "green" },
  bad: { color: "red" },
  warn: { color: "yellow" },
  accent: { color: "cyan" },
};
const SPINNER = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const TICK_MS = 100;

/** What happened scrolls by and stays; below it one line that moves. */
export function App({ feed, now }: { readonly feed: Feed; readonly now: () => number }): ReactNode {
  const { lines, progress, over } = useSyncExternalStore(feed.subscribe, feed.frame);
  return createElement(
    Fragment,
    null,
    createElement(Static<TimelineLine>, {
      items: [...lines],
      style: { width: "100%" },
      children: (line, index) => createElement(Line, { key: index, line }),
    }),
    over ? null : createElement(Status, { progress, now }),
  );
}

/** Text that is longer than the terminal is wide goes on below its beginning, right of the mark. */
function Line({ line }: { readonly line: TimelineLine }): ReactNode {
  const text = createElement(Text, STYLES[line.tone], line.text);
  if (line.mark === "") return createElement(Box, { marginTop: 1 }, text);
  const mark = createElement(
    Box,
    { width: 4, flexShrink: 0 },
    createElement(Text, STYLES[line.tone], `  ${line.mark}`),
  );
  return createElement(Box, null, mark, text);
}

function Status({ progress, now }: { readonly progress: Progress; readonly now: () => number }): ReactNode {
  const [start] = useState(now);
  const [tick, setTick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTick((count) => count + 1), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  const { agent, step, tokens, blocked, redactions, waiting } = progress;
  const facts = [
    agent,
    step > 0 && `step ${step}`,
    `${((now() - start) / 1000).toFixed(1)} s`,
    `${tokens} tokens`,
    blocked > 0 && `${blocked} blocked`,
    redactions > 0 && `${redactions} redacted`,
    waiting,
  ].filter((fact) => typeof fact === "string" && fact !== "");
  return createElement(
    Box,
    { marginTop: 1 },
    createElement(Text, { color: "cyan" }, `${SPINNER[tick % SPINNER.length]} `),
    createElement(Text, { dimColor: true, wrap: "truncate-end" }, facts.join(" · ")),
  );
}
