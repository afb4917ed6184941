/**
 * Makes ZIP archives, for tests.
 *
 * @module
 */

/** Returns a ZIP archive of empty entries, of which only the central directory is right. */
export function zipOf(names: readonly string[], comment = ""): Uint8Array {
  const encoder = new TextEncoder();
  const entries = names.map((name) => {
    const bytes = encoder.encode(name);
    const entry = new Uint8Array(46 + bytes.length + 3);
    const view = new DataView(entry.buffer);
    view.setUint32(0, 0x02014b50, true);
    view.setUint16(28, bytes.length, true);
    // An extra field, to be skipped.
    view.setUint16(30, 3, true);
    entry.set(bytes, 46);
    return entry;
  });
  const start = encoder.encode("no local entries");
  const end = new Uint8Array(22 + comment.length);
  const view = new DataView(end.buffer);
  view.setUint32(0, 0x06054b50, true);
  view.setUint16(10, names.length, true);
  view.setUint32(12, entries.reduce((sum, { length }) => sum + length, 0), true);
  view.setUint32(16, start.length, true);
  view.setUint16(20, comment.length, true);
  end.set(encoder.encode(comment), 22);
  return new Uint8Array([start, ...entries, end].flatMap((part) => [...part]));
}
