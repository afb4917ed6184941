/**
 * Makes pictures of user interfaces small: PNG with a palette of 256 colors. See https://www.w3.org/TR/png-3/.
 *
 * @module
 */

import { crc32 } from "node:zlib";

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const PALETTE_MAX = 256;
/** Types of color, by their numbers: bytes of a pixel. */
const PIXEL_BYTES: Record<number, number> = { 2: 3, 6: 4 };

/** An opaque picture: three bytes for each pixel. */
interface Pixels {
  width: number;
  height: number;
  rgb: Uint8Array;
}

/**
 * Reduces a PNG to a palette. Its most frequent colors stay as they are, the others become the nearest of them.
 *
 * @throws If the picture is not of 8 bits, RGB or RGBA, without interlacing.
 */
export async function reduceToPalette(png: Uint8Array): Promise<Uint8Array> {
  const { width, height, rgb } = await decode(png);
  const counts = new Map<number, number>();
  for (let at = 0; at < rgb.length; at += 3) {
    const color = colorAt(rgb, at);
    counts.set(color, (counts.get(color) ?? 0) + 1);
  }
  const byCount = [...counts].sort(([, one], [, other]) => other - one).map(([color]) => color);
  const palette = byCount.slice(0, PALETTE_MAX);
  const indexOf = new Map(byCount.map((color, index) => [
    color,
    index < PALETTE_MAX ? index : nearest(palette, color),
  ]));
  const rows = new Uint8Array((width + 1) * height);
  for (let at = 0; at < rgb.length; at += 3) {
    const pixel = at / 3;
    // Each row begins with the number of its filter, 0.
    rows[pixel + Math.floor(pixel / width) + 1] = indexOf.get(colorAt(rgb, at))!;
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, 3, 0, 0, 0], 8);
  return join([
    SIGNATURE,
    chunk("IHDR", header),
    chunk("PLTE", Uint8Array.from(palette.flatMap((color) => [color >> 16, color >> 8, color]))),
    chunk("IDAT", await transform(rows, new CompressionStream("deflate"))),
    chunk("IEND", new Uint8Array()),
  ]);
}

async function decode(png: Uint8Array): Promise<Pixels> {
  const view = new DataView(png.buffer, png.byteOffset);
  const [width, height, depth] = [view.getUint32(16), view.getUint32(20), png[24]];
  const pixelBytes = PIXEL_BYTES[png[25]];
  if (depth !== 8 || pixelBytes === undefined || png[28] !== 0) {
    throw new Error("the picture is not a PNG of 8 bits, RGB or RGBA, without interlacing");
  }
  const parts: Uint8Array[] = [];
  for (let at = SIGNATURE.length; at < png.length;) {
    const length = view.getUint32(at);
    const type = new TextDecoder().decode(png.subarray(at + 4, at + 8));
    if (type === "IDAT") parts.push(png.subarray(at + 8, at + 8 + length));
    at += length + 12;
  }
  const rows = await transform(join(parts), new DecompressionStream("deflate"));
  return { width, height, rgb: unfilter(rows, width, height, pixelBytes) };
}

/** Undoes the filters of the rows, and drops what is not red, green or blue. */
function unfilter(rows: Uint8Array, width: number, height: number, pixelBytes: number) {
  const rowBytes = width * pixelBytes;
  const rgb = new Uint8Array(width * height * 3);
  let above = new Uint8Array(rowBytes);
  for (let y = 0; y < height; y++) {
    const filter = rows[y * (rowBytes + 1)];
    const row = rows.slice(y * (rowBytes + 1) + 1, (y + 1) * (rowBytes + 1));
    for (let x = 0; x < rowBytes; x++) {
      const left = x < pixelBytes ? 0 : row[x - pixelBytes];
      const corner = x < pixelBytes ? 0 : above[x - pixelBytes];
      row[x] += predict(filter, left, above[x], corner);
      if (x % pixelBytes < 3) {
        rgb[(y * width + Math.floor(x / pixelBytes)) * 3 + x % pixelBytes] = row[x];
      }
    }
    above = row;
  }
  return rgb;
}

function predict(filter: number, left: number, up: number, corner: number): number {
  switch (filter) {
    case 0:
      return 0;
    case 1:
      return left;
    case 2:
      return up;
    case 3:
      return (left + up) >> 1;
  }
  const [a, b, c] = [left, up, corner].map((value) => Math.abs(left + up - corner - value));
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

function colorAt(rgb: Uint8Array, at: number): number {
  return rgb[at] << 16 | rgb[at + 1] << 8 | rgb[at + 2];
}

/** Returns the index of the nearest color. */
function nearest(palette: number[], color: number): number {
  const parts = (value: number) => [value >> 16, value >> 8 & 0xff, value & 0xff];
  const own = parts(color);
  let best = { index: 0, distance: Infinity };
  for (const [index, candidate] of palette.entries()) {
    const distance = parts(candidate).reduce((sum, part, at) => sum + (part - own[at]) ** 2, 0);
    if (distance < best.distance) best = { index, distance };
  }
  return best.index;
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const typed = join([new TextEncoder().encode(type), data]);
  const frame = (value: number) => {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, value);
    return bytes;
  };
  return join([frame(data.length), typed, frame(crc32(typed))]);
}

async function transform(
  bytes: Uint8Array,
  stream: CompressionStream | DecompressionStream,
): Promise<Uint8Array> {
  const content = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream();
  return await new Response(content.pipeThrough(stream)).bytes();
}

function join(parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
