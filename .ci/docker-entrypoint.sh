#!/bin/sh
# Entry point of the stand-in for Deno's image: a command of Deno's, an option or a script is given to Deno.
case ${1:-} in
  '' | -* | *.ts | *.js | *://* | bench | cache | check | compile | eval | fmt | info | install | lint | repl | run | serve | task | test)
    set -- deno "$@"
    ;;
esac
exec "$@"
