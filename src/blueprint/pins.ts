import type { Pin } from "../model/generated/blueprint.ts";
import { dotted, type Fault, type Finding, InvalidFileError, PinMismatchError } from "./fault.ts";
import type { Fetched, Origin } from "./origin.ts";
import type { DocumentKind } from "./schema.ts";
import { decode } from "./text.ts";
import { type LoadedDocument, loadDocument } from "./yaml.ts";

/** What a document that can be pinned says about itself. */
export interface Named {
  readonly metadata: { readonly name: string; readonly version: string };
}

/** Reads the pins of one blueprint and keeps what is wrong with them, so that everything can be told at once. */
export class PinReader {
  readonly faults: Fault[] = [];
  readonly mismatches: Fault[] = [];
  readonly warnings: Fault[] = [];
  private readonly document: LoadedDocument<unknown>;
  private readonly origin: Origin;

  constructor(document: LoadedDocument<unknown>, origin: Origin) {
    this.document = document;
    this.origin = origin;
  }

  /** Throws `PinMismatchError` or `InvalidFileError` when anything was found wrong. */
  settle(): void {
    if (this.mismatches.length > 0) throw new PinMismatchError([...this.mismatches, ...this.faults]);
    if (this.faults.length > 0) throw new InvalidFileError(this.faults);
  }

  /** The verified bytes of a pin, or undefined when they cannot be had. `pointer` is where the pin stands. */
  async bytes(pin: Pin, pointer: string): Promise<Extract<Fetched, { kind: "bytes" }> | undefined> {
    const fetched = await this.origin.fetch(pin.source, pin.digest);
    if (fetched.kind === "bytes") return fetched;
    if (fetched.kind === "missing") this.fault(`${pointer}/source`, `${label(pin)} cannot be found: ${fetched.reason}`);
    else this.mismatch(`${pointer}/digest`, changed(label(pin), pin.digest, fetched));
    return undefined;
  }

  /** A pinned YAML document. */
  async load<T extends Named>(pin: Pin, pointer: string, schema: DocumentKind): Promise<LoadedDocument<T> | undefined> {
    const fetched = await this.bytes(pin, pointer);
    if (fetched === undefined) return undefined;
    const document = this.attempt(() => loadDocument<T>(fetched.bytes, { file: fetched.file, schema }));
    if (document === undefined || !this.isNamed(pin, pointer, document.value.metadata)) return undefined;
    return document;
  }

  /** A pinned text, UTF-8. */
  async text(pin: Pin, pointer: string): Promise<{ readonly text: string; readonly file: string } | undefined> {
    const fetched = await this.bytes(pin, pointer);
    if (fetched === undefined) return undefined;
    const decoded = decode(fetched.bytes);
    this.faults.push(...decoded.faults.map((fault) => ({ file: fetched.file, pointer: "", ...fault })));
    return decoded.ok ? { text: decoded.text, file: fetched.file } : undefined;
  }

  /** Whether an artifact calls itself what its pin calls it. */
  isNamed(pin: Pin, pointer: string, { name, version }: { readonly name: string; readonly version: string }): boolean {
    if (pin.name === name && pin.version === version) return true;
    this.mismatch(pointer, `the pin says ${label(pin)}, the file \`${pin.source}\` says \`${name}@${version}\``);
    return false;
  }

  /** Runs something that may find files wrong, and keeps what it found. */
  attempt<T>(action: () => T): T | undefined {
    try {
      return action();
    } catch (error) {
      this.keep(error);
      return undefined;
    }
  }

  /** Keeps the faults that an error carries; throws every other error again. */
  keep(error: unknown): void {
    if (error instanceof InvalidFileError) this.faults.push(...error.faults);
    else if (error instanceof PinMismatchError) this.mismatches.push(...error.faults);
    else throw error;
  }

  fault(pointer: string, message: string): void {
    this.findings([{ pointer, message: `${dotted(pointer)}: ${message}` }]);
  }

  /** Findings about the blueprint itself. */
  findings(findings: readonly Finding[]): void {
    this.faults.push(...this.document.faults(findings));
  }

  mismatch(pointer: string, message: string): void {
    this.mismatches.push(...this.document.faults([{ pointer, message: `${dotted(pointer)}: ${message}` }]));
  }

  warn(pointer: string, message: string): void {
    this.warnings.push(...this.document.faults([{ pointer, message: `${dotted(pointer)}: ${message}` }]));
  }
}

export function label({ name, version }: Pin): string {
  return `\`${name}@${version}\``;
}

export function changed(what: string, pinned: string, { file, found }: Extract<Fetched, { kind: "changed" }>): string {
  return `the bytes of ${what} are not the pinned ones: expected \`${pinned}\`, found \`${found}\` in \`${file}\``;
}
