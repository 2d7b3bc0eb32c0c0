/**
 * Reading canonical JSON (RFC 8785, no white space) without parsing all of it: values are given as their raw text, "" when they
 * are not there.
 */

const QUOTE: i32 = 0x22;
const COMMA: i32 = 0x2c;
const BACKSLASH: i32 = 0x5c;

function opens(c: i32): bool {
  return c == 0x7b || c == 0x5b;
}

function closes(c: i32): bool {
  return c == 0x7d || c == 0x5d;
}

/** Behind the value that starts at `at`. */
function valueEnd(json: string, at: i32): i32 {
  let depth = 0;
  while (at < json.length) {
    const c = json.charCodeAt(at);
    if (c == QUOTE) {
      for (at += 1; at < json.length && json.charCodeAt(at) != QUOTE; at += 1) {
        if (json.charCodeAt(at) == BACKSLASH) at += 1;
      }
    } else if (opens(c)) {
      depth += 1;
    } else if (closes(c)) {
      if (depth == 0) return at;
      depth -= 1;
    } else if (c == COMMA && depth == 0) {
      return at;
    }
    at += 1;
    if (depth == 0 && (c == QUOTE || closes(c))) return at;
  }
  return json.length;
}

/** Where the value of a member starts, or -1. Names are compared as they are written, so keep to plain letters. */
function find(object: string, name: string): i32 {
  if (!object.startsWith("{")) return -1;
  const key = '"' + name + '"';
  for (let at = 1; at < object.length && object.charCodeAt(at) == QUOTE; ) {
    const colon = valueEnd(object, at);
    if (object.substring(at, colon) == key) return colon + 1;
    at = valueEnd(object, colon + 1) + 1;
  }
  return -1;
}

/** The member of an object. */
export function member(object: string, name: string): string {
  const at = find(object, name);
  return at < 0 ? "" : object.substring(at, valueEnd(object, at));
}

/** An object with another value of a member, which it must have. */
export function replaced(object: string, name: string, value: string): string {
  const at = find(object, name);
  return at < 0 ? object : object.substring(0, at) + value + object.substring(valueEnd(object, at));
}

/** How many elements an array has. */
export function count(array: string): i32 {
  let found = 0;
  if (array.length <= 2 || !array.startsWith("[")) return found;
  for (let at = 1; at < array.length; at = valueEnd(array, at) + 1) found += 1;
  return found;
}

/** An element of an array. */
export function element(array: string, index: i32): string {
  if (array.length <= 2 || !array.startsWith("[")) return "";
  for (let at = 1; at < array.length; index -= 1) {
    const end = valueEnd(array, at);
    if (index == 0) return array.substring(at, end);
    at = end + 1;
  }
  return "";
}

/** What a string says; "" for what is no string. */
export function text(raw: string): string {
  if (raw.length < 2 || !raw.startsWith('"')) return "";
  const inside = raw.substring(1, raw.length - 1);
  let out = "";
  let from = 0;
  for (let at = inside.indexOf("\\"); at >= 0; at = inside.indexOf("\\", from)) {
    out += inside.substring(from, at);
    const c = inside.charAt(at + 1);
    from = at + 2;
    if (c == "u") {
      out += String.fromCharCode(<i32>parseInt(inside.substring(from, from + 4), 16));
      from += 4;
    } else {
      out += c == "n" ? "\n" : c == "t" ? "\t" : c == "r" ? "\r" : c == "b" ? "\b" : c == "f" ? "\f" : c;
    }
  }
  return out + inside.substring(from);
}

/** A text as a JSON string. */
export function quote(value: string): string {
  let out = '"';
  let from = 0;
  for (let at = 0; at < value.length; at += 1) {
    const c = value.charCodeAt(at);
    if (c >= 0x20 && c != QUOTE && c != BACKSLASH) continue;
    out += value.substring(from, at);
    out += c < 0x20 ? "\\u" + c.toString(16).padStart(4, "0") : "\\" + value.charAt(at);
    from = at + 1;
  }
  return out + value.substring(from) + '"';
}
