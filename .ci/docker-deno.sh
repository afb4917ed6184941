#!/bin/sh
# The `deno` of the stand-in image: `deno compile` runs another version, which needs no download.
if [ "${1:-}" = compile ]; then
  DENORT_BIN=/usr/lib/deno-compiler/denort exec /usr/lib/deno-compiler/deno "$@"
fi
exec /usr/bin/deno "$@"
