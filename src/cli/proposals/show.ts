import { EXIT, type ExitCode } from "../../model/errors.ts";
import type { ShadowRun } from "../../runtime/proposals/shadow-runs.ts";
import { type ProposalView, showProposal } from "../../runtime/proposals/view.ts";
import type { Call } from "../command.ts";
import { environment } from "../environment.ts";
import { columns } from "../table.ts";
import { jsonLine, visible } from "../visible.ts";
import { proposerText } from "./text.ts";

/** `hook proposals show`: who, what, the diff, and what shadow runs showed. Everything that came from an agent is made visible. */
export async function show(call: Call<{ readonly against?: string }>): Promise<ExitCode> {
  const { args, options, json, out } = call;
  const view = await showProposal({ id: args[0] ?? "", against: options.against }, environment());
  if (json) out.data(jsonLine(view));
  else out.data([about(view), shadow(view), visible(difference(view)), next(view)].join("\n\n"));
  return EXIT.ok;
}

function about(view: ProposalView): string {
  const { authority, digests } = view;
  const asks = [...authority.tools, ...authority.files.map(({ path, actions }) => `${path} (${actions.join(", ")})`)];
  return columns([
    ["proposal", `${view.proposal}, ${view.state}${decided(view)}`],
    ["hook", `${view.name}@${view.version}, ${view.role} at ${view.phases.join(", ")}`],
    ["does", view.description],
    ["powers", view.powers.map((power) => (power === "mint" ? "mint: makes leases" : power)).join(", ")],
    ["asks for", asks.length === 0 ? "nothing" : asks.join(", ")],
    ["proposed by", `${proposerText(view.by)}${callText(view)}, ${view.at}`],
    ...(view.by.kind === "agent" ? [["blueprint", view.by.agent.blueprint]] : []),
    ["because", view.reason],
    ["manifest", digests.manifest],
    ["component", digests.component],
    ...Object.entries(digests.sources).map(([path, digest]) => ["source", `${digest} ${path}`]),
  ]);
}

function callText({ by, call }: ProposalView): string {
  if (by.kind === "person") return "";
  return call === null ? ", whose journal does not tell" : `, step ${call.step}, call ${call.id} (entry ${call.seq})`;
}

function decided({ decision }: ProposalView): string {
  if (decision === null) return "";
  const why = decision.kind === "rejected" ? `: ${decision.reason}` : ` with key ${decision.key}`;
  return ` by ${decision.by} at ${new Date(decision.at).toISOString()}${why}`;
}

function shadow(view: ProposalView): string {
  const { shadow: told, proposal } = view;
  const { runs, unreadable, total } = told;
  const lost = unreadable.map(({ run, reason }) => visible(`run ${run} cannot be read: ${reason}`));
  if (view.powers.includes("mint")) return "in shadow: never; a hook that makes leases cannot run there";
  if (runs.length === 0) {
    return [`in shadow: never yet; \`blueprint run … --shadow ${proposal}\` shows what it would do`, ...lost].join(
      "\n",
    );
  }
  const counts = ["boundaries", "same", "newly-blocked", "newly-allowed", "transforms-differently", "failed"] as const;
  const rows = runs.map((run) => [run.run, run.agent, ...cells(run).map(String), run.failed ?? ""]);
  return [
    `in shadow: ${counts.map((name) => `${total[name]} ${name}`).join(", ")}`,
    columns([["run", "agent", "boundaries", "same", "blocked", "allowed", "differs", "failed"], ...rows]),
    ...runs.flatMap(changes),
    ...lost,
  ].join("\n");
}

function cells({ boundaries, agreements }: ShadowRun): readonly number[] {
  const { same, "newly-blocked": blocked, "newly-allowed": allowed, "transforms-differently": differs } = agreements;
  return [boundaries, same, blocked, allowed, differs];
}

function changes({ run, changes: told }: ShadowRun): readonly string[] {
  return told.map(({ seq, phase, step, subject, agreement }) =>
    columns([[`  ${agreement}`, phase, `step ${step}`, subject, `(entry ${seq} of ${run})`]]),
  );
}

function difference({ current, diff }: ProposalView): string {
  if (current === null) return `it follows no version that is known; all of it is new\n${diff}`;
  const to = `compared with ${current.name}@${current.version}, ${current.from}, component ${current.component}`;
  return diff === "" ? `${to}\nmanifest and sources are the same` : `${to}\n${diff}`;
}

/** Sources are shown for people; what runs is the component. */
function next({ state, proposal, digests }: ProposalView): string {
  const sources = Object.keys(digests.sources).length;
  const note =
    sources === 0
      ? "there is no source; only the component runs"
      : "what runs is the component: that the sources above are its own is the word of who proposed it";
  if (state !== "pending") return note;
  return `${note}\napprove with \`hook proposals approve ${proposal} --key FILE --out FOLDER\`, or \`reject ${proposal} --reason TEXT\``;
}
