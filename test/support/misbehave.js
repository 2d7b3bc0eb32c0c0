// A hook for tests: does in one phase what its configuration says, and allows everything else.
let config = {};

export function configure(text) {
  config = JSON.parse(text);
}

export function handle(phase, payload) {
  if (phase !== config.phase) return { decision: "allow", rationale: "not its phase", payload: undefined };
  switch (config.mode) {
    case "block":
      return { decision: "block", rationale: "told to block", payload: undefined };
    case "error":
      throw new Error("told to fail");
    case "trap":
      // biome-ignore lint/style/useThrowOnlyError: a thrown number cannot be lowered to the error string, which traps
      throw 1;
    case "hang":
      for (;;) config.turns = (config.turns ?? 0) + 1;
    case "garbage":
      return { decision: "transform", rationale: "told to answer garbage", payload: `{"garbage": ` };
    case "ill-typed":
      return { decision: "perhaps", rationale: 7, payload: [] };
    default:
      return { decision: "allow", rationale: payload.length > 0 ? "allowed" : "empty", payload: undefined };
  }
}
