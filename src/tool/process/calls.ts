/** Architectures whose system calls are filtered, by Node's name: how the kernel names them (linux/audit.h). */
export const ARCHITECTURES = {
  x64: { audit: 0xc000003e, column: 0 },
  arm64: { audit: 0xc00000b7, column: 1 },
} as const;
export type Architecture = keyof typeof ARCHITECTURES;

/** On x64, a second set of numbers for the same calls (x32). */
export const X32 = 0x40000000;

type Numbers = readonly [x64: number | undefined, arm64: number | undefined];

/**
 * Answered with EPERM. Numbers are those of asm/unistd_64.h and asm-generic/unistd.h. What is here makes or enters name spaces,
 * changes mounts, reaches into other processes, or is a part of the kernel that programs do not need and attackers do.
 */
export const DENIED: Readonly<Record<string, Numbers>> = {
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  chroot: [161, 51],
  open_tree: [428, 428],
  move_mount: [429, 429],
  fsopen: [430, 430],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fspick: [433, 433],
  mount_setattr: [442, 442],
  statmount: [457, 457],
  listmount: [458, 458],
  open_tree_attr: [467, 467],
  setns: [308, 268],
  unshare: [272, 97],
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  process_madvise: [440, 440],
  pidfd_getfd: [438, 438],
  kcmp: [312, 272],
  bpf: [321, 280],
  perf_event_open: [298, 241],
  userfaultfd: [323, 282],
  fanotify_init: [300, 262],
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  add_key: [248, 217],
  request_key: [249, 218],
  keyctl: [250, 219],
  open_by_handle_at: [304, 265],
  kexec_load: [246, 104],
  kexec_file_load: [320, 294],
  init_module: [175, 105],
  finit_module: [313, 273],
  delete_module: [176, 106],
  create_module: [174, undefined],
  get_kernel_syms: [177, undefined],
  query_module: [178, undefined],
  uselib: [134, undefined],
  _sysctl: [156, undefined],
  nfsservctl: [180, 42],
  lookup_dcookie: [212, 18],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  acct: [163, 89],
  swapon: [167, 224],
  swapoff: [168, 225],
  reboot: [169, 142],
  sethostname: [170, 161],
  setdomainname: [171, 162],
  settimeofday: [164, 170],
  clock_settime: [227, 112],
  syslog: [103, 116],
  vhangup: [153, 58],
  iopl: [172, undefined],
  ioperm: [173, undefined],
  modify_ldt: [154, undefined],
  // Memory that belongs to no process, and so to no limit.
  memfd_create: [319, 279],
  memfd_secret: [447, 447],
  shmget: [29, 194],
  msgget: [68, 186],
};

/** Calls that are judged by more than their number. */
export const JUDGED = {
  clone: [56, 220],
  clone3: [435, 435],
  personality: [135, 92],
  ioctl: [16, 29],
  socket: [41, 198],
} as const satisfies Readonly<Record<string, Numbers>>;

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET (linux/sched.h). */
export const CLONE_NEW = 0x7e020000;
/** TIOCSTI, TIOCLINUX, TIOCSETD: typing into the terminal of whoever started it; loading a line discipline. */
export const TERMINAL = [0x5412, 0x541c, 0x5423];
/** PER_LINUX, and the question what it is. */
export const PERSONALITIES = [0, 0xffffffff];
/** AF_UNIX, AF_INET, AF_INET6, AF_NETLINK. Others, such as AF_VSOCK, know no network name space, or are rarely well tested. */
export const FAMILIES = [1, 2, 10, 16];

export const ERRNO = { EPERM: 1, ENOSYS: 38, EAFNOSUPPORT: 97 } as const;
