// A hook for tests: runs the statements that its configuration holds. One component serves all tests, since building and
// transpiling one takes seconds.
import * as files from "pinion:hook/files@1.0.0";
import * as host from "pinion:hook/host@1.0.0";
import * as leases from "pinion:hook/leases@1.0.0";

const allow = (rationale) => ({ decision: "allow", rationale, payload: undefined });
const block = (rationale) => ({ decision: "block", rationale, payload: undefined });
const transform = (rationale, payload) => ({ decision: "transform", rationale, payload });
// Of the world `trusted-hook`: replaced by its interface.
const minting = undefined;
let statements;

export function configure(text) {
  const { code } = JSON.parse(text);
  statements = new Function(
    "phase",
    "payload",
    "host",
    "files",
    "allow",
    "block",
    "transform",
    "leases",
    "minting",
    code,
  );
}

export function handle(phase, payload) {
  return statements(phase, payload, host, files, allow, block, transform, leases, minting);
}
