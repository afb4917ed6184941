#!/bin/sh
# Deno in the stand-in for Deno's image: `deno compile` without a download is for another version to do.
if [ "${1:-}" = compile ]; then
  DENORT_BIN=/usr/lib/deno-compiler/denort exec /usr/lib/deno-compiler/deno "$@"
fi
exec /usr/bin/deno "$@"
