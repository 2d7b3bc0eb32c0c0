/** The harness: replays recordings and shows them. */
export { type ReplayOptions, type ReplayResult, replayRecording } from "./replay.ts";
export { type RecordingView, showRecording } from "./show.ts";
