/*
 * A Pinion hook in C, without a library: world `hook` of wit/hook.wit, lowered and lifted by hand as the canonical ABI of the
 * component model lays it out (strings are UTF-8, results are read from memory at the returned address).
 *
 * Write `hook_configure` and `hook_handle`. Include this in one file only.
 *
 * Memory: what `hook_configure` allocates stays for as long as the instance lives; what `hook_handle` allocates, and what
 * the host gave it, is gone when the next call begins. Nothing is freed by hand. Without memory left, the hook traps, which blocks.
 *
 * JSON: the host gives canonical JSON (RFC 8785), which has no white space. `pinion_member` and `pinion_element` give the raw text of a
 * value inside the given text, or an empty text when it is not there; `pinion_string` gives what a raw string says.
 */
#ifndef PINION_H
#define PINION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  const char *at;
  size_t length;
} pinion_text;

#define PINION_TEXT(literal) ((pinion_text){(literal), sizeof(literal) - 1})
/* No error. */
#define PINION_OK ((pinion_text){0, 0})

typedef enum {
  PINION_PRE_PLAN,
  PINION_PRE_SEND,
  PINION_POST_RECEIVE,
  PINION_PRE_TOOL,
  PINION_POST_TOOL,
  PINION_STATE_TRANSITION,
  PINION_SPAWN,
  PINION_AUDIT,
} pinion_phase;

typedef struct {
  enum { PINION_ALLOW, PINION_BLOCK, PINION_TRANSFORM, PINION_FAIL } kind;
  pinion_text rationale;
  pinion_text payload;
} pinion_verdict;

/* Reads the configuration, JSON that fits the manifest's schema. An error keeps the hook from being used. */
pinion_text hook_configure(pinion_text config);
/* Answers a boundary. `payload` is JSON that fits the schema of the phase. */
pinion_verdict hook_handle(pinion_phase phase, pinion_text payload);

static inline pinion_verdict pinion_allow(pinion_text rationale) {
  return (pinion_verdict){PINION_ALLOW, rationale, PINION_OK};
}
static inline pinion_verdict pinion_block(pinion_text rationale) {
  return (pinion_verdict){PINION_BLOCK, rationale, PINION_OK};
}
/* Replaces the whole payload. Only hooks with the role `transformer` may. */
static inline pinion_verdict pinion_transform(pinion_text payload, pinion_text rationale) {
  return (pinion_verdict){PINION_TRANSFORM, rationale, payload};
}
/* An error: a block, for this and every later boundary of the run. */
static inline pinion_verdict pinion_fail(pinion_text why) {
  return (pinion_verdict){PINION_FAIL, why, PINION_OK};
}

/* ---- memory */

extern unsigned char __heap_base;
static uintptr_t pinion_base, pinion_top;
static bool pinion_answered = true;

static inline void *pinion_alloc(size_t size) {
  if (pinion_base == 0) pinion_base = pinion_top = ((uintptr_t)&__heap_base + 7) & ~(uintptr_t)7;
  uintptr_t start = pinion_top;
  uintptr_t top = start + ((size + 7) & ~(size_t)7);
  if (top < start) __builtin_trap();
  size_t pages = (top + 0xffff) >> 16;
  size_t have = __builtin_wasm_memory_size(0);
  if (pages > have && __builtin_wasm_memory_grow(0, pages - have) == (size_t)-1) __builtin_trap();
  pinion_top = top;
  return (void *)start;
}

/* The allocator of the canonical ABI: the host writes arguments and answers with it. */
__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
  if (align > 8) __builtin_trap();
  if (pinion_answered) {
    pinion_answered = false;
    if (pinion_base != 0) pinion_top = pinion_base;
  }
  void *made = pinion_alloc(size);
  if (old != 0) __builtin_memcpy(made, old, old_size < size ? old_size : size);
  return made;
}

/* ---- texts */

static inline bool pinion_equal(pinion_text a, pinion_text b) {
  if (a.length != b.length) return false;
  for (size_t i = 0; i < a.length; i++)
    if (a.at[i] != b.at[i]) return false;
  return true;
}

static inline bool pinion_ends(pinion_text text, pinion_text end) {
  if (end.length > text.length) return false;
  return pinion_equal((pinion_text){text.at + text.length - end.length, end.length}, end);
}

static inline pinion_text pinion_join_all(const pinion_text *parts, size_t count) {
  size_t length = 0;
  for (size_t i = 0; i < count; i++) length += parts[i].length;
  char *made = pinion_alloc(length);
  size_t at = 0;
  for (size_t i = 0; i < count; i++) {
    if (parts[i].length > 0) __builtin_memcpy(made + at, parts[i].at, parts[i].length);
    at += parts[i].length;
  }
  return (pinion_text){made, length};
}

#define pinion_join(...)                                  \
  pinion_join_all((const pinion_text[]){__VA_ARGS__}, \
                  sizeof((const pinion_text[]){__VA_ARGS__}) / sizeof(pinion_text))

/* `whole` with `part`, which lies inside it, replaced. */
static inline pinion_text pinion_splice(pinion_text whole, pinion_text part, pinion_text other) {
  pinion_text before = {whole.at, (size_t)(part.at - whole.at)};
  const char *rest = part.at + part.length;
  return pinion_join(before, other, ((pinion_text){rest, (size_t)(whole.at + whole.length - rest)}));
}

static inline pinion_text pinion_number(unsigned value) {
  char *made = (char *)pinion_alloc(10) + 10;
  size_t length = 0;
  do {
    *--made = (char)('0' + value % 10);
    length += 1;
    value /= 10;
  } while (value > 0);
  return (pinion_text){made, length};
}

/* ---- JSON */

/* Behind the value that starts at `at`. */
static inline size_t pinion_value_end(pinion_text json, size_t at) {
  size_t depth = 0;
  while (at < json.length) {
    char c = json.at[at];
    if (c == '"') {
      for (at += 1; at < json.length && json.at[at] != '"'; at += 1)
        if (json.at[at] == '\\') at += 1;
    } else if (c == '{' || c == '[') {
      depth += 1;
    } else if (c == '}' || c == ']') {
      if (depth == 0) return at;
      depth -= 1;
    } else if (c == ',' && depth == 0) {
      return at;
    }
    at += 1;
    if (depth == 0 && (c == '"' || c == '}' || c == ']')) return at;
  }
  return json.length;
}

static inline pinion_text pinion_slice(pinion_text text, size_t from, size_t to) {
  return (pinion_text){text.at + from, to - from};
}

/* The member of an object. Names are compared as they are written, so keep to plain letters. */
static inline pinion_text pinion_member(pinion_text object, const char *name) {
  size_t wanted = 0;
  while (name[wanted] != 0) wanted += 1;
  if (object.length == 0 || object.at[0] != '{') return PINION_OK;
  for (size_t at = 1; at < object.length && object.at[at] == '"';) {
    size_t colon = pinion_value_end(object, at);
    size_t end = pinion_value_end(object, colon + 1);
    if (pinion_equal(pinion_slice(object, at + 1, colon - 1), (pinion_text){name, wanted}))
      return pinion_slice(object, colon + 1, end);
    at = end + 1;
  }
  return PINION_OK;
}

/* How many elements an array has. */
static inline unsigned pinion_count(pinion_text array) {
  if (array.length <= 2 || array.at[0] != '[') return 0;
  unsigned count = 0;
  for (size_t at = 1; at < array.length; at = pinion_value_end(array, at) + 1) count += 1;
  return count;
}

static inline pinion_text pinion_element(pinion_text array, unsigned index) {
  if (array.length <= 2 || array.at[0] != '[') return PINION_OK;
  for (size_t at = 1; at < array.length; index -= 1) {
    size_t end = pinion_value_end(array, at);
    if (index == 0) return pinion_slice(array, at, end);
    at = end + 1;
  }
  return PINION_OK;
}

static inline uint32_t pinion_hex(const char *at) {
  uint32_t value = 0;
  for (int i = 0; i < 4; i++) {
    char c = at[i];
    value = value * 16 + (uint32_t)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
  }
  return value;
}

static inline char *pinion_utf8(char *to, uint32_t point) {
  if (point < 0x80) {
    *to++ = (char)point;
  } else if (point < 0x800) {
    *to++ = (char)(0xc0 | point >> 6);
    *to++ = (char)(0x80 | (point & 63));
  } else if (point < 0x10000) {
    *to++ = (char)(0xe0 | point >> 12);
    *to++ = (char)(0x80 | (point >> 6 & 63));
    *to++ = (char)(0x80 | (point & 63));
  } else {
    *to++ = (char)(0xf0 | point >> 18);
    *to++ = (char)(0x80 | (point >> 12 & 63));
    *to++ = (char)(0x80 | (point >> 6 & 63));
    *to++ = (char)(0x80 | (point & 63));
  }
  return to;
}

/* What a string says; empty for what is no string. */
static inline pinion_text pinion_string(pinion_text raw) {
  if (raw.length < 2 || raw.at[0] != '"') return PINION_OK;
  pinion_text inside = pinion_slice(raw, 1, raw.length - 1);
  bool escaped = false;
  for (size_t i = 0; i < inside.length; i++) escaped |= inside.at[i] == '\\';
  if (!escaped) return inside;
  char *made = pinion_alloc(inside.length);
  char *to = made;
  for (size_t i = 0; i < inside.length; i++) {
    char c = inside.at[i];
    if (c != '\\') {
      *to++ = c;
      continue;
    }
    c = inside.at[++i];
    if (c == 'u') {
      uint32_t point = pinion_hex(inside.at + i + 1);
      i += 4;
      if (point >= 0xd800 && point < 0xdc00) {
        point = 0x10000 + ((point & 0x3ff) << 10) + (pinion_hex(inside.at + i + 3) & 0x3ff);
        i += 6;
      }
      to = pinion_utf8(to, point);
    } else {
      *to++ = c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c == 'b' ? '\b' : c == 'f' ? '\f' : c;
    }
  }
  return (pinion_text){made, (size_t)(to - made)};
}

/* A text as a JSON string. */
static inline pinion_text pinion_quote(pinion_text text) {
  static const char digits[] = "0123456789abcdef";
  char *made = pinion_alloc(text.length * 6 + 2);
  char *to = made;
  *to++ = '"';
  for (size_t i = 0; i < text.length; i++) {
    unsigned char c = (unsigned char)text.at[i];
    if (c == '"' || c == '\\') {
      *to++ = '\\';
      *to++ = (char)c;
    } else if (c < 0x20) {
      *to++ = '\\';
      *to++ = 'u';
      *to++ = '0';
      *to++ = '0';
      *to++ = digits[c >> 4];
      *to++ = digits[c & 15];
    } else {
      *to++ = (char)c;
    }
  }
  *to++ = '"';
  return (pinion_text){made, (size_t)(to - made)};
}

/* ---- hostcalls: what the host refuses is a text that is not empty. What is not called is not imported. */

typedef struct {
  uint8_t is_error;
  pinion_text value;
} pinion_answer;

#define PINION_HOST(name) __attribute__((import_module("pinion:hook/host@1.0.0"), import_name(name)))
#define PINION_LEASES(name) __attribute__((import_module("pinion:hook/leases@1.0.0"), import_name(name)))
#define PINION_FILES(name) __attribute__((import_module("pinion:hook/files@1.0.0"), import_name(name)))

PINION_HOST("emit-event") void pinion_host_emit(const char *, size_t, const char *, size_t, pinion_answer *);
PINION_HOST("write-capsule") void pinion_host_write(const char *, size_t, const char *, size_t, pinion_answer *);
PINION_HOST("read-capsule") void pinion_host_read(const char *, size_t, void *);
PINION_HOST("request-tool-call") void pinion_host_tool(const char *, size_t, const char *, size_t, pinion_answer *);
PINION_HOST("request-approval") void pinion_host_approval(const char *, size_t, pinion_answer *);
PINION_HOST("random") void pinion_host_random(uint32_t, pinion_answer *);
PINION_HOST("now") uint64_t pinion_host_now(void);
PINION_HOST("sleep") void pinion_host_sleep(uint32_t, pinion_answer *);
PINION_LEASES("request") void pinion_leases_request(const char *, size_t, pinion_answer *);
PINION_FILES("open-root") void pinion_files_root(const char *, size_t, pinion_answer *);
PINION_FILES("open-directory") void pinion_files_open(const char *, size_t, const char *, size_t, pinion_answer *);
PINION_FILES("read") void pinion_files_read(const char *, size_t, const char *, size_t, uint64_t, uint32_t, pinion_answer *);
PINION_FILES("write") void pinion_files_write(const char *, size_t, const char *, size_t, const char *, size_t, pinion_answer *);
PINION_FILES("remove") void pinion_files_remove(const char *, size_t, const char *, size_t, pinion_answer *);

static inline pinion_text pinion_refusal(pinion_answer answer) {
  return answer.is_error ? answer.value : PINION_OK;
}

/* Reports something; `data` is JSON. */
static inline pinion_text pinion_emit(pinion_text kind, pinion_text data) {
  pinion_answer answer;
  pinion_host_emit(kind.at, kind.length, data.at, data.length, &answer);
  return pinion_refusal(answer);
}

/* Replaces the capsule of a kind; `value` is JSON. */
static inline pinion_text pinion_write_capsule(pinion_text kind, pinion_text value) {
  pinion_answer answer;
  pinion_host_write(kind.at, kind.length, value.at, value.length, &answer);
  return pinion_refusal(answer);
}

/* The capsule of a kind as JSON; empty when there is none, or no such kind. */
static inline pinion_text pinion_read_capsule(pinion_text kind) {
  /* result<option<string>, string>: the option begins at byte 4. */
  struct {
    uint8_t is_error, pad[3];
    union {
      struct {
        uint8_t is_some, more[3];
        pinion_text value;
      } ok;
      pinion_text error;
    };
  } answer;
  pinion_host_read(kind.at, kind.length, &answer);
  return !answer.is_error && answer.ok.is_some ? answer.ok.value : PINION_OK;
}

/* Demands that a person approves what this boundary is about; `request` is JSON. */
static inline pinion_text pinion_request_approval(pinion_text request) {
  pinion_answer answer;
  pinion_host_approval(request.at, request.length, &answer);
  return pinion_refusal(answer);
}

/* Asks for a lease for the agent: its name, where `is_error` is 0. */
static inline pinion_answer pinion_request_lease(pinion_text capability) {
  pinion_answer answer;
  pinion_leases_request(capability.at, capability.length, &answer);
  return answer;
}

/* Has the kernel make a tool call; `arguments` and the answer are JSON. */
static inline pinion_answer pinion_request_tool_call(pinion_text tool, pinion_text arguments) {
  pinion_answer answer;
  pinion_host_tool(tool.at, tool.length, arguments.at, arguments.length, &answer);
  return answer;
}

/* At most 1024 bytes. */
static inline pinion_answer pinion_random(uint32_t length) {
  pinion_answer answer;
  pinion_host_random(length, &answer);
  return answer;
}

/* The run's clock in ms since the epoch. */
static inline uint64_t pinion_now(void) {
  return pinion_host_now();
}

static inline pinion_text pinion_sleep(uint32_t milliseconds) {
  pinion_answer answer;
  pinion_host_sleep(milliseconds, &answer);
  return pinion_refusal(answer);
}

/* A handle to a directory that the blueprint grants, by the name under which the manifest asks for it. */
static inline pinion_answer pinion_open_root(pinion_text name) {
  pinion_answer answer;
  pinion_files_root(name.at, name.length, &answer);
  return answer;
}

static inline pinion_answer pinion_open_directory(pinion_text directory, pinion_text path) {
  pinion_answer answer;
  pinion_files_open(directory.at, directory.length, path.at, path.length, &answer);
  return answer;
}

/* At most `length` bytes from `offset`, and never more than 1 MiB. */
static inline pinion_answer pinion_read(pinion_text directory, pinion_text path, uint64_t offset, uint32_t length) {
  pinion_answer answer;
  pinion_files_read(directory.at, directory.length, path.at, path.length, offset, length, &answer);
  return answer;
}

/* Creates or replaces a file of at most 1 MiB. */
static inline pinion_text pinion_write(pinion_text directory, pinion_text path, pinion_text data) {
  pinion_answer answer;
  pinion_files_write(directory.at, directory.length, path.at, path.length, data.at, data.length, &answer);
  return pinion_refusal(answer);
}

static inline pinion_text pinion_remove(pinion_text directory, pinion_text path) {
  pinion_answer answer;
  pinion_files_remove(directory.at, directory.length, path.at, path.length, &answer);
  return pinion_refusal(answer);
}

/* ---- exports */

typedef struct {
  uint8_t is_error, pad[3];
  union {
    struct {
      uint8_t decision, more[3];
      pinion_text rationale;
      uint8_t has_payload, rest[3];
      pinion_text payload;
    } verdict;
    pinion_text error;
  };
} pinion_result;

_Static_assert(sizeof(pinion_result) == 28, "the layout of result<verdict, string>");

static pinion_result pinion_returned;

/* `configure: func(config: string) -> result<_, string>` */
__attribute__((export_name("configure"))) void *pinion_configure(const char *at, size_t length) {
  pinion_text wrong = hook_configure((pinion_text){at, length});
  pinion_returned = (pinion_result){0};
  pinion_returned.is_error = wrong.length > 0;
  pinion_returned.error = wrong;
  /* What was allocated stays. */
  pinion_base = pinion_top;
  pinion_answered = true;
  return &pinion_returned;
}

/* `handle: func(phase: phase, payload: string) -> result<verdict, string>` */
__attribute__((export_name("handle"))) void *pinion_handle(uint32_t phase, const char *at, size_t length) {
  pinion_verdict verdict = hook_handle((pinion_phase)phase, (pinion_text){at, length});
  pinion_returned = (pinion_result){0};
  if (verdict.kind == PINION_FAIL) {
    pinion_returned.is_error = 1;
    pinion_returned.error = verdict.rationale;
  } else {
    pinion_returned.verdict.decision = (uint8_t)verdict.kind;
    pinion_returned.verdict.rationale = verdict.rationale;
    pinion_returned.verdict.has_payload = verdict.kind == PINION_TRANSFORM;
    pinion_returned.verdict.payload = verdict.payload;
  }
  pinion_answered = true;
  return &pinion_returned;
}

#endif
