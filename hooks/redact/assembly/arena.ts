/**
 * Memory of one call. What was allocated at start-up (tables, what the instance remembers) lies below the arena and stays;
 * the arena starts anew when the host writes the arguments of the next call.
 */
let base: usize = 0;
let top: usize = 0;
let answered: bool = true;

/** At least `size` bytes, aligned to 8; traps when there is no memory left. */
export function reserve(size: usize): usize {
  if (base === 0) {
    // Scanners look back a little: what stands before the arena is zero.
    base = heap.alloc(16) + 16;
    top = base;
  }
  const start = (top + 7) & ~(<usize>7);
  top = start + size;
  // A few bytes more, since scanners look ahead.
  const missing = <isize>(top + 64) - ((<isize>memory.size()) << 16);
  if (missing > 0 && memory.grow(<i32>((missing + 0xffff) >> 16)) < 0) unreachable();
  return start;
}

/** The call is over: its memory is free once its answer was read. */
export function release(): void {
  answered = true;
}

/** The canonical ABI's allocator. The host uses it to write arguments and what hostcalls answer, never to grow. */
export function cabi_realloc(old: usize, _oldSize: usize, align: usize, size: usize): usize {
  if (old !== 0 || align > 8) unreachable();
  if (answered) {
    answered = false;
    if (base !== 0) top = base;
  }
  return reserve(size);
}
