import { member, text } from "./json";
import { allow, emit, fail, Phase, Verdict } from "./pinion";

let blocked: u32 = 0;

/** Reads the configuration, JSON that fits the manifest's schema. An error, or "" for none. */
export function configure(_config: string): string {
  return "";
}

/** Answers a boundary: counts those that were blocked. */
export function handle(_phase: Phase, payload: string): Verdict {
  if (text(member(payload, "decision")) == "block") {
    blocked += 1;
    const data = '{"boundary":' + member(payload, "boundary") + ',"count":' + blocked.toString() + "}";
    const refused = emit("blocked", data);
    if (refused != "") return fail(refused);
  }
  return allow("seen");
}
