export * from "./parse.d.ts";
export * from "./parse_stream.d.ts";
export * from "./stringify.d.ts";
export * from "./stringify_stream.d.ts";
