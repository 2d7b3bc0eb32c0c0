import {
  ARCHITECTURES,
  type Architecture,
  CLONE_NEW,
  DENIED,
  ERRNO,
  FAMILIES,
  JUDGED,
  PERSONALITIES,
  TERMINAL,
  X32,
} from "./calls.ts";

/** One instruction of classic BPF (linux/filter.h). `yes` and `no`: how many instructions to skip. */
interface Instruction {
  readonly code: number;
  readonly yes: number;
  readonly no: number;
  readonly value: number;
}

const LOAD = 0x20;
const EQUAL = 0x15;
const ANY_BIT = 0x45;
const RETURN = 0x06;

/** Where the kernel puts what is asked for (struct seccomp_data, linux/seccomp.h); of arguments, their lower half. */
const NUMBER = 0;
const ARCHITECTURE = 4;
const argument = (index: number): number => 16 + 8 * index;

const ALLOW = 0x7fff0000;
const KILL_PROCESS = 0x80000000;
const fail = (errno: number): number => 0x00050000 | errno;

const load = (value: number): Instruction => ({ code: LOAD, yes: 0, no: 0, value });
const answer = (value: number): Instruction => ({ code: RETURN, yes: 0, no: 0, value });
/** What follows runs only if it holds; otherwise `length` instructions are skipped. */
const ifEqual = (value: number, length: number): Instruction => ({ code: EQUAL, yes: 0, no: length, value });
const ifAnyBit = (value: number, length: number): Instruction => ({ code: ANY_BIT, yes: 0, no: length, value });

export function isFiltered(architecture: string): architecture is Architecture {
  return Object.hasOwn(ARCHITECTURES, architecture);
}

/**
 * The filter of system calls for confined processes, as `bwrap --seccomp` and seccomp(2) take it. Calls by the numbers of
 * another architecture kill the process; those of `DENIED` fail with EPERM; name spaces, terminals, personalities and families
 * of sockets are judged by their arguments; clone3, whose arguments lie where no filter can look, does not exist, so that libc
 * uses clone.
 */
export function seccompFilter(architecture: Architecture): Uint8Array {
  const { audit, column } = ARCHITECTURES[architecture];
  const denied = Object.values(DENIED).flatMap((numbers) => numbers[column] ?? []);
  const program = [
    load(ARCHITECTURE),
    { code: EQUAL, yes: 1, no: 0, value: audit },
    answer(KILL_PROCESS),
    load(NUMBER),
    ...(architecture === "x64" ? [ifAnyBit(X32, 1), answer(KILL_PROCESS)] : []),
    ...denied.flatMap((number) => [ifEqual(number, 1), answer(fail(ERRNO.EPERM))]),
    ifEqual(JUDGED.clone3[column], 1),
    answer(fail(ERRNO.ENOSYS)),
    ...judged(JUDGED.clone[column], 0, [ifAnyBit(CLONE_NEW, 1), answer(fail(ERRNO.EPERM)), answer(ALLOW)]),
    ...judged(JUDGED.ioctl[column], 1, [
      ...TERMINAL.flatMap((request) => [ifEqual(request, 1), answer(fail(ERRNO.EPERM))]),
      answer(ALLOW),
    ]),
    ...judged(JUDGED.personality[column], 0, only(PERSONALITIES, ERRNO.EPERM)),
    ...judged(JUDGED.socket[column], 0, only(FAMILIES, ERRNO.EAFNOSUPPORT)),
    answer(ALLOW),
  ];
  return encode(program);
}

/** Instructions for one call, by one of its arguments; each way through them ends in an answer. */
function judged(number: number, index: number, then: readonly Instruction[]): readonly Instruction[] {
  return [ifEqual(number, then.length + 1), load(argument(index)), ...then];
}

function only(values: readonly number[], errno: number): readonly Instruction[] {
  return [...values.flatMap((value) => [ifEqual(value, 1), answer(ALLOW)]), answer(fail(errno))];
}

/** struct sock_filter, in the byte order of both architectures. */
function encode(program: readonly Instruction[]): Uint8Array {
  const bytes = Buffer.alloc(program.length * 8);
  for (const [index, { code, yes, no, value }] of program.entries()) {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(yes, index * 8 + 2);
    bytes.writeUInt8(no, index * 8 + 3);
    bytes.writeUInt32LE(value, index * 8 + 4);
  }
  return bytes;
}
