/** What others may import: the harness, and programs that embed Pinion. */
export { DamagedError } from "./journal/damage.ts";
export { ReplayDivergence } from "./journal/divergence.ts";
export { readRunKey } from "./journal/keys.ts";
export { openRecording, type Recording } from "./journal/recording.ts";
export type { Digest } from "./model/canonical.ts";
export type { Entry, EntryKind } from "./model/entry.ts";
export { EXIT, type ExitCode, InputError, IntegrityError, PinionError } from "./model/errors.ts";
export type { Json, JsonObject } from "./model/json.ts";
export { type Environment, keyFile, runFolder } from "./runtime/machine.ts";
export { type Reexecuted, reexecute } from "./runtime/replay.ts";
export { rearmHook, resumeRun, runBlueprint } from "./runtime.ts";
