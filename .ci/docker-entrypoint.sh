#!/bin/sh
# The entry point of the stand-in image: Deno runs its own commands, options and scripts.
case ${1:-} in
  '' | -* | *.ts | *.js | *://* | bench | cache | check | compile | eval | fmt | info | install | lint | repl | run | serve | task | test)
    set -- deno "$@"
    ;;
esac
exec "$@"
