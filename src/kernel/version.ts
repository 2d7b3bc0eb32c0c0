/**
 * The version of what the kernel computes. It is in the header of every journal, and raised with every change of a check:
 * a replay by another version could differ for no fault of the run.
 */
export const KERNEL_VERSION = "4";
