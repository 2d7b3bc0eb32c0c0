import type { Watcher } from "../watch.ts";
import { Feed } from "./feed.ts";

/** Shows a run on the terminal behind stderr. Ink and React are loaded here, with colours as stderr may have them. */
export async function mountView(): Promise<Watcher> {
  process.env.NODE_ENV ??= "production";
  process.env.FORCE_COLOR = process.env.NO_COLOR ? "0" : "1";
  const [{ render }, { createElement }, { App }] = await Promise.all([
    import("ink"),
    import("react"),
    import("./app.ts"),
  ]);
  const feed = new Feed();
  const view = render(createElement(App, { feed, now: () => performance.now() }), {
    stdout: process.stderr,
    exitOnCtrlC: false,
    patchConsole: false,
  });
  return {
    entry: (entry) => feed.entry(entry),
    notice: (text) => feed.notice(text),
    async end() {
      feed.end();
      await view.waitUntilRenderFlush();
      view.unmount();
      await view.waitUntilExit();
    },
  };
}
