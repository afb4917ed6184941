/**
 * The names in a ZIP archive, read from its central directory.
 *
 * @module
 */

/** The end record, which may be followed by a comment of at most 65,535 bytes. */
const END_SIGNATURE = 0x06054b50;
const END_BYTES = 22;
const COMMENT_BYTES_MAX = 0xffff;
const ENTRY_SIGNATURE = 0x02014b50;
const ENTRY_BYTES = 46;
/** A directory of more than a hundred thousand names is not that of a dataset. */
const DIRECTORY_BYTES_MAX = 16 * 1024 * 1024;

/** Returns the names of the entries; none if the file is damaged, or not a ZIP archive. */
export async function zipNames(path: string): Promise<string[]> {
  using file = await Deno.open(path);
  const { size } = await file.stat();
  const endBytes = Math.min(size, END_BYTES + COMMENT_BYTES_MAX);
  const tail = await readAt(file, size - endBytes, endBytes);
  const end = lastIndexOf(tail, END_SIGNATURE, END_BYTES);
  if (end < 0) return [];
  const [bytes, offset] = [tail.getUint32(end + 12, true), tail.getUint32(end + 16, true)];
  if (bytes > DIRECTORY_BYTES_MAX || offset + bytes > size) return [];
  return namesIn(await readAt(file, offset, bytes));
}

function namesIn(directory: DataView<ArrayBuffer>): string[] {
  const names: string[] = [];
  for (let at = 0; at + ENTRY_BYTES <= directory.byteLength;) {
    if (directory.getUint32(at, true) !== ENTRY_SIGNATURE) break;
    const lengths = [28, 30, 32].map((field) => directory.getUint16(at + field, true));
    const start = at + ENTRY_BYTES;
    if (start + lengths[0] > directory.byteLength) break;
    names.push(new TextDecoder().decode(new Uint8Array(directory.buffer, start, lengths[0])));
    at = lengths.reduce((sum, length) => sum + length, start);
  }
  return names;
}

/**
 * Returns the last place of `signature` that leaves room for a record of `recordBytes`; -1 without
 * one.
 */
function lastIndexOf(view: DataView, signature: number, recordBytes: number): number {
  let at = view.byteLength - recordBytes;
  while (at >= 0 && view.getUint32(at, true) !== signature) at--;
  return Math.max(at, -1);
}

/** Reads `length` bytes from `offset`, or up to the end of the file. */
async function readAt(
  file: Deno.FsFile,
  offset: number,
  length: number,
): Promise<DataView<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  await file.seek(offset, Deno.SeekMode.Start);
  let filled = 0;
  while (filled < length) {
    const count = await file.read(bytes.subarray(filled));
    if (count === null) break;
    filled += count;
  }
  return new DataView(bytes.buffer, 0, filled);
}
