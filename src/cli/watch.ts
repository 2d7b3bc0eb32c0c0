import type { Entry } from "../model/entry.ts";
import type { Output } from "./output.ts";
import { painter } from "./output.ts";
import { plainLine } from "./plain.ts";
import { timelineOf } from "./timeline.ts";
import { visible } from "./visible.ts";

/** Somebody who watches a run on stderr. */
export interface Watcher {
  entry(entry: Entry): void;
  notice(text: string): void;
  /** Takes down what is still moving. */
  end(): Promise<void>;
}

/** The live view on a terminal that can show it, otherwise plain lines of the same timeline. */
export async function watcher(out: Output): Promise<Watcher> {
  const { isTTY } = process.stderr;
  if (isTTY && process.env.TERM !== "dumb" && !process.env.CI)
    return late(async () => (await import("./view/mount.ts")).mountView());
  return plainWatcher(out);
}

/** Draws nothing before the run has begun: until then a person may have to type a passphrase. */
function late(mount: () => Promise<Watcher>): Watcher {
  const waiting: ((eyes: Watcher) => void)[] = [];
  let eyes: Watcher | undefined;
  let mounting: Promise<Watcher> | undefined;
  const open = async (): Promise<Watcher> => {
    eyes = await mount();
    for (const tell of waiting.splice(0)) tell(eyes);
    return eyes;
  };
  const begin = (): Promise<Watcher> => {
    mounting ??= open();
    return mounting;
  };
  return {
    entry(entry) {
      if (eyes !== undefined) return eyes.entry(entry);
      waiting.push((mounted) => mounted.entry(entry));
      // Whoever ends it hears why nothing can be drawn.
      begin().catch(() => undefined);
    },
    notice(text) {
      if (eyes !== undefined) return eyes.notice(text);
      waiting.push((mounted) => mounted.notice(text));
    },
    end: async () => (await begin()).end(),
  };
}

function plainWatcher(out: Output): Watcher {
  const paint = painter(process.stderr);
  return {
    entry(entry) {
      for (const line of timelineOf(entry)) if (!line.minor) out.talk(plainLine(line, paint));
    },
    notice(text) {
      out.talk(paint(`  ! ${visible(text)}`, "warn"));
    },
    end: async () => undefined,
  };
}
