import { createCipheriv, createDecipheriv, createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { canonicalJson, type Digest } from "../model/canonical.ts";
import type { EntryKind } from "../model/entry.ts";
import { IntegrityError } from "../model/errors.ts";

export const KEY_BYTES = 32;
export const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Where a body stands. Sealed with it, so that it opens nowhere else and vouches for every entry before it. */
export interface Context {
  readonly seq: number;
  readonly kind: EntryKind;
  readonly prev: Digest;
}

/**
 * The keyed operations of one run. From the run key, HKDF-SHA256 (RFC 5869) derives one key to encrypt
 * (AES-256-GCM, NIST SP 800-38D) and one to commit (HMAC-SHA256).
 */
export class Seal {
  readonly #run: string;
  readonly #encryption: Uint8Array;
  readonly #commitment: Uint8Array;

  constructor(key: Uint8Array, run: string) {
    const derive = (use: string) =>
      new Uint8Array(hkdfSync("sha256", key, "", `pinion-journal/1 ${use} ${run}`, KEY_BYTES));
    this.#run = run;
    this.#encryption = derive("enc");
    this.#commitment = derive("commit");
  }

  /** Nonce, ciphertext, tag; and the commitment to the plaintext. `nonce`: 12 random bytes, never used twice. */
  close(context: Context, plaintext: string, nonce: Uint8Array): { readonly commit: string; readonly bytes: Buffer } {
    const about = this.#about(context);
    const cipher = createCipheriv("aes-256-gcm", this.#encryption, nonce).setAAD(Buffer.from(about));
    const sealed = [nonce, cipher.update(plaintext, "utf8"), cipher.final(), cipher.getAuthTag()];
    return { commit: this.#commit(about, plaintext), bytes: Buffer.concat(sealed) };
  }

  /** The plaintext. Throws `IntegrityError` when the bytes, the commitment or the place are not those of `close`. */
  open(context: Context, commit: string, bytes: Uint8Array): string {
    const about = this.#about(context);
    const plaintext = this.#decrypt(about, bytes);
    if (plaintext === undefined || !same(this.#commit(about, plaintext), commit)) {
      throw new IntegrityError({
        code: "seal-broken",
        message: `the sealed body of seq ${context.seq} \`${context.kind}\` does not open: expected what this run's key sealed here, found other bytes, another key or another history`,
        hint: "check that the key file belongs to this run; otherwise the journal was edited",
      });
    }
    return plaintext;
  }

  /** A commitment to a text outside of any entry: `hmac-sha256:` and 64 hex digits. */
  commitment(text: string): string {
    return this.#commit("text", text);
  }

  #decrypt(about: string, bytes: Uint8Array): string | undefined {
    if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
    const decipher = createDecipheriv("aes-256-gcm", this.#encryption, bytes.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(about)).setAuthTag(bytes.subarray(-TAG_BYTES));
    const plaintext = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
    try {
      decipher.final();
    } catch {
      return undefined; // the tag does not fit
    }
    return plaintext.toString("utf8");
  }

  #about({ seq, kind, prev }: Context): string {
    return canonicalJson([this.#run, seq, kind, prev]);
  }

  #commit(about: string, text: string): string {
    return `hmac-sha256:${createHmac("sha256", this.#commitment).update(`${about}\n`).update(text).digest("hex")}`;
  }
}

function same(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
