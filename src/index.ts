/** What others may import: the harness, and programs that embed Pinion. */

export { covers as coversPattern } from "./capability/approval-pattern.ts";
export { beyond } from "./capability/lease/capability.ts";
export { readCapability } from "./capability/lease/uri.ts";
export { type Bodies, bodiesOf, type Content } from "./journal/bodies.ts";
export { DamagedError } from "./journal/damage.ts";
export { ReplayDivergence } from "./journal/divergence.ts";
export { readRunKey } from "./journal/keys.ts";
export { openRecording, type Recording } from "./journal/recording.ts";
export type { RecordedEntry } from "./journal/walk.ts";
export { actionDigest } from "./model/action.ts";
export { canonicalJson, type Digest, digestOf, isDigest } from "./model/canonical.ts";
export type { Entry, EntryKind, Outcome, Receipt } from "./model/entry.ts";
export { EXIT, type ExitCode, InputError, IntegrityError, PinionError } from "./model/errors.ts";
export type { PinnedHook } from "./model/hook.ts";
export { isJsonObject, type Json, type JsonObject } from "./model/json.ts";
export type { CallFacts, Payloads, PreTool } from "./model/payload.ts";
export { PHASES, type Phase } from "./model/phase.ts";
export { type Evidence, evidenceOf, type PinSeen } from "./runtime/evidence/evidence.ts";
export type { Made, PermissionAgain } from "./runtime/evidence/made.ts";
export type { SignatureSeen } from "./runtime/evidence/signatures.ts";
export { type Environment, keyFile, runFolder } from "./runtime/machine.ts";
export { type Reexecuted, reexecute } from "./runtime/replay.ts";
export { type Verified, type VerifyRequest, verifyJournal } from "./runtime/verify.ts";
export { rearmHook, resumeRun, runBlueprint } from "./runtime.ts";
export { signersOfAnswer } from "./trust/answer.ts";
