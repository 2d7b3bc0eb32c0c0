import { locateRecording } from "../../../harness/index.ts";
import { EXIT, type ExitCode } from "../../model/errors.ts";
import { type LeaseList, type LeaseRow, leasesIn } from "../../runtime.ts";
import type { Call } from "../command.ts";
import { environment } from "../environment.ts";
import { columns } from "../table.ts";
import { jsonLine, visibleLine } from "../visible.ts";

export function list({ args: [run = ""], json, out }: Call<object>): ExitCode {
  const found = leasesIn(locateRecording(run, environment()));
  if (json) out.data(jsonLine(found));
  else out.data(found.leases.length === 0 ? nothing(found) : columns([HEADINGS, ...found.leases.map(cellsOf)]));
  return EXIT.ok;
}

const HEADINGS = ["LEASE", "STATE", "HOLDER", "USED", "LEFT", "FROM", "CAPABILITY"];

function cellsOf(row: LeaseRow): readonly string[] {
  const { lease, state, holder, used, parent, from, issuer, capability } = row;
  return [lease, state, holder, String(used), leftOf(row), from ?? parent ?? issuer, capability];
}

export function tree({ args: [run = ""], json, out }: Call<object>): ExitCode {
  const found = leasesIn(locateRecording(run, environment()));
  if (json) out.data(jsonLine(found));
  else if (found.leases.length === 0) out.data(nothing(found));
  else for (const line of branches(found.leases, null, "")) out.data(visibleLine(line));
  return EXIT.ok;
}

function branches(leases: readonly LeaseRow[], parent: string | null, indent: string): readonly string[] {
  return leases
    .filter((row) => row.parent === parent)
    .flatMap((row) => {
      const { lease, state, holder, issuer, from, capability } = row;
      const origin = parent === null ? `, from ${from ?? issuer}` : "";
      const facts = [state, `held by ${holder}${origin}`, `left: ${leftOf(row)}`].join("; ");
      return [`${indent}${lease}  ${capability}  (${facts})`, ...branches(leases, lease, `${indent}  `)];
    });
}

/** What is left, as far as something bounds it. */
function leftOf({ left, until }: LeaseRow): string {
  const amounts = Object.entries(left).flatMap(([name, value]) => (value === null ? [] : [`${value} ${name}`]));
  const parts = [...amounts, ...(until === null ? [] : [`until ${new Date(until).toISOString()}`])];
  return parts.length === 0 ? "everything" : parts.join(", ");
}

function nothing({ run, refused }: LeaseList): string {
  return visibleLine(
    `run ${run} has no leases${refused === 0 ? "" : `; ${refused} times something was refused for want of one`}`,
  );
}
