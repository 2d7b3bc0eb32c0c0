/** The harness: replays recordings, verifies and shows them. */

export { locateRecording } from "./locate.ts";
export { type ReplayOptions, type ReplayResult, replayRecording } from "./replay.ts";
export { type RecordingView, showRecording } from "./show.ts";
export type { CheckName, CheckResult, Finding } from "./verify/check.ts";
export { type VerifyResult, verifyRecordings } from "./verify/family.ts";
export type { RecordingVerdict, VerifyOptions } from "./verify/verify.ts";
