import { chmodSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { InputError, IntegrityError, PinionError, WorldError } from "../../model/errors.ts";
import { decodeDecision, decodeNote, decodeSources } from "./decode.ts";
import { readBounded, syncFolder, writeNew, writeOver } from "./files.ts";
import {
  digestsOf,
  isProposalId,
  type Proposal,
  type ProposalContent,
  type ProposalDecision,
  type ProposalNote,
  proposalId,
  stateOf,
} from "./proposal.ts";

const KiB = 1024;
/** Most bytes of each part, and most proposals. */
export const PROPOSAL_BOUNDS = {
  manifest: 256 * KiB,
  component: 16 * KiB * KiB,
  sources: 1024 * KiB,
  note: 64 * KiB,
  pending: 64,
  all: 1024,
} as const;

const FILES = {
  manifest: "hook.yaml",
  component: "component.wasm",
  sources: "sources.json",
  note: "proposal.json",
  decision: "decision.json",
} as const;
/** Left behind by somebody who was killed; nobody needs as long to write one, in ms. */
const STALE_MS = 3_600_000;

/** One folder of the store, as it is listed: what is wrong with it does not hide the others. */
export type Listed =
  | { readonly ok: true; readonly proposal: Proposal }
  | { readonly ok: false; readonly id: string; readonly error: PinionError };

/**
 * Proposed hooks of one user: inert files, a folder each, whose name is the digest of what is in it. INVARIANT: what is read is
 * hashed, and is given to nobody when it is not what the name says (S14).
 */
export class ProposalStore {
  readonly #root: string;

  /** `root`: an absolute path; the folder is made when something is proposed. */
  constructor(root: string) {
    this.#root = root;
  }

  /**
   * Keeps a proposal, as a whole or not at all. The same content is the same proposal: `isNew` is false, and who proposed it
   * first stays. Throws `InputError` when it or the store is too large, `WorldError` when it cannot be written.
   */
  async add(content: ProposalContent, note: ProposalNote): Promise<{ readonly id: string; readonly isNew: boolean }> {
    mustFit(content);
    const id = proposalId(digestsOf(content));
    if (this.#names().includes(id)) {
      await this.get(id);
      return { id, isNew: false };
    }
    await this.#mustHaveRoom();
    try {
      mkdirSync(this.#root, { recursive: true, mode: 0o700 });
      chmodSync(this.#root, 0o700);
      return { id, isNew: await this.#write(id, content, note) };
    } catch (cause) {
      if (cause instanceof PinionError) throw cause;
      throw this.#unusable(cause);
    }
  }

  /** Throws `InputError` when there is none of this id, `IntegrityError` when its files are not what the id names. */
  async get(id: string): Promise<Proposal> {
    if (!isProposalId(id) || !this.#names().includes(id)) throw noSuch(id);
    const folder = join(this.#root, id);
    const content: ProposalContent = {
      manifest: await this.#part(id, "manifest"),
      component: await this.#part(id, "component"),
      sources: decodeSources(await this.#part(id, "sources"), id),
    };
    const digests = digestsOf(content);
    const found = proposalId(digests);
    if (found !== id) {
      throw new IntegrityError({
        code: "proposal-changed",
        message: `the files of proposal \`${id}\` in \`${folder}\` were changed after it was made: they are \`${found}\` now`,
        hint: "what was edited is another proposal: `hook propose FOLDER` makes it one",
      });
    }
    const note = decodeNote(await this.#part(id, "note"), id);
    const decided = await readBounded(join(folder, FILES.decision), PROPOSAL_BOUNDS.note);
    return { id, content, digests, note, decision: decided && decodeDecision(decided, id) };
  }

  /** All of them, the oldest first; those that cannot be used last. */
  async list(): Promise<readonly Listed[]> {
    const all = await Promise.all(
      this.#names().map(async (id): Promise<Listed> => {
        try {
          return { ok: true, proposal: await this.get(id) };
        } catch (error) {
          if (!(error instanceof PinionError)) throw error;
          return { ok: false, id, error };
        }
      }),
    );
    const at = (listed: Listed) => (listed.ok ? listed.proposal.note.at : Number.POSITIVE_INFINITY);
    return all.toSorted((a, b) => (at(a) === at(b) ? 0 : at(a) - at(b)));
  }

  /** One that nobody has decided about. Throws `InputError` when somebody has, and like `get`. */
  async pending(id: string): Promise<Proposal> {
    const proposal = await this.get(id);
    if (proposal.decision !== undefined) throw decided(id, proposal.decision);
    return proposal;
  }

  /** Keeps what became of a pending proposal. Throws like `pending`. */
  async decide(id: string, decision: ProposalDecision): Promise<void> {
    await this.pending(id);
    await writeOver(join(this.#root, id), FILES.decision, `${JSON.stringify(decision)}\n`);
  }

  async #part(id: string, part: keyof typeof FILES): Promise<Uint8Array> {
    const bound = part === "decision" ? PROPOSAL_BOUNDS.note : PROPOSAL_BOUNDS[part];
    const bytes = await readBounded(join(this.#root, id, FILES[part]), bound);
    if (bytes !== undefined) return bytes;
    throw new IntegrityError({
      code: "proposal-changed",
      message: `proposal \`${id}\` has no \`${FILES[part]}\` any more`,
      hint: `remove the folder \`${join(this.#root, id)}\`, and propose it again`,
    });
  }

  async #write(id: string, content: ProposalContent, note: ProposalNote): Promise<boolean> {
    const partial = mkdtempSync(join(this.#root, ".partial-"));
    this.#sweep(statSync(partial).mtimeMs);
    try {
      await writeNew(partial, FILES.manifest, content.manifest);
      await writeNew(partial, FILES.component, content.component);
      await writeNew(partial, FILES.sources, JSON.stringify(content.sources));
      await writeNew(partial, FILES.note, `${JSON.stringify(note)}\n`);
      await syncFolder(partial);
      renameSync(partial, join(this.#root, id));
    } catch (error) {
      rmSync(partial, { recursive: true, force: true });
      const { code } = error as NodeJS.ErrnoException;
      // Somebody proposed the same at the same time.
      if (code === "ENOTEMPTY" || code === "EEXIST") return false;
      throw error;
    }
    await syncFolder(this.#root);
    return true;
  }

  async #mustHaveRoom(): Promise<void> {
    const listed = await this.list();
    const pending = listed.filter((one) => one.ok && stateOf(one.proposal) === "pending").length;
    if (pending < PROPOSAL_BOUNDS.pending && listed.length < PROPOSAL_BOUNDS.all) return;
    const full = pending >= PROPOSAL_BOUNDS.pending;
    throw new InputError({
      code: "too-many-proposals",
      message: full
        ? `${pending} proposals are pending, which is as many as may be`
        : `there are ${listed.length} proposals, which is as many as may be`,
      hint: full
        ? "decide about some: `hook proposals list`, then `approve` or `reject`"
        : `remove folders of decided ones from \`${this.#root}\``,
    });
  }

  #names(): readonly string[] {
    try {
      return readdirSync(this.#root).filter(isProposalId).sort();
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw this.#unusable(cause);
    }
  }

  /** `now`: by the clock of the file system, as all these times are. */
  #sweep(now: number): void {
    for (const name of readdirSync(this.#root)) {
      const path = join(this.#root, name);
      if (!name.startsWith(".partial-")) continue;
      const made = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? now;
      if (now - made > STALE_MS) rmSync(path, { recursive: true, force: true });
    }
  }

  #unusable(cause: unknown): WorldError {
    const why = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    const message = `the folder of proposals \`${this.#root}\` cannot be used: ${why}`;
    return new WorldError({ code: "folder-unusable", message, cause });
  }
}

function mustFit({ manifest, component, sources }: ProposalContent): void {
  const sizes = { manifest: manifest.length, component: component.length, sources: JSON.stringify(sources).length };
  for (const part of ["manifest", "component", "sources"] as const) {
    if (sizes[part] <= PROPOSAL_BOUNDS[part]) continue;
    throw new InputError({
      code: "too-large",
      message: `the ${part} of the proposal has ${sizes[part]} bytes, ${PROPOSAL_BOUNDS[part]} are allowed`,
    });
  }
}

function noSuch(id: string): InputError {
  return new InputError({
    code: "no-such-proposal",
    message: `there is no proposal \`${id}\``,
    hint: "`hook proposals list` names them",
  });
}

function decided(id: string, { kind }: ProposalDecision): InputError {
  return new InputError({
    code: `proposal-${kind}`,
    message: `proposal \`${id}\` was ${kind} already`,
    hint: `\`hook proposals show ${id}\` says by whom; other bytes are another proposal: \`hook propose FOLDER\``,
  });
}
