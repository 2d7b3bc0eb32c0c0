import type { Output } from "./output.ts";

/**
 * Turns the first SIGINT or SIGTERM into an abort, after which the run writes its journal to the end; the second one
 * kills at once. `release` gives the signals back.
 */
export function interruptible(out: Output): { readonly signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  const stop = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) {
      release();
      process.kill(process.pid, name);
      return;
    }
    out.talk("stopping after what is under way; once more to kill");
    controller.abort();
  };
  const release = () => {
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  return { signal: controller.signal, release };
}
