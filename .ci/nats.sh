#!/usr/bin/env bash
# Provides the nats-server of the tests with a real cluster, without installing anything:
#
#   .cache/nats/trixie/nats-server    of Debian trixie: the oldest version that servers accept
#   .cache/nats/sid/nats-server       of Debian sid, a recent version; only where it can be had
#   .cache/nats/image/nats-server     of the container image, on a machine that is not Debian's but has Docker
#
# It keeps what is there already. It exits with 3 if this machine cannot have the first or the last of them.

set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { echo "nats.sh: $*" >&2; }
source .ci/debian.sh

NATS_DIR=.cache/nats

# Provides the nats-server of the Debian release $1, with the options of apt-get that follow.
provide() {
  local release=$1 server=$NATS_DIR/$1/nats-server new result=0
  shift
  if [[ -x $server ]] && "$server" --version; then return 0; fi
  mkdir -p "$NATS_DIR"
  new=$(mktemp -d "$NATS_DIR/$release.XXXXXX")
  unpack_debian_package "$release" nats-server "$new/files" "$@" || result=$?
  if ((result == 0)); then
    mkdir -p "$NATS_DIR/$release"
    # A name that appears at once with the whole program: tests may be looking for it.
    mv "$new/files/usr/sbin/nats-server" "$server" && "$server" --version || result=1
  fi
  rm -rf "$new"
  return $result
}

# Provides the nats-server of the image that runs nodes in containers, which Docker pulls if it is missing.
provide_from_image() {
  local server=$NATS_DIR/image/nats-server image container
  if [[ -x $server ]] && "$server" --version; then return 0; fi
  image=$(sed -n 's/^ *NATS_IMAGE: "\(.*\)",$/\1/p' tools/run/compose_parts.ts)
  container=$(timeout 120 docker create "$image") || return 3
  mkdir -p "$NATS_DIR/image"
  docker cp "$container:/usr/local/bin/nats-server" "$server.new" || return 1
  docker rm "$container" >/dev/null
  mv "$server.new" "$server" && "$server" --version
}

if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null ||
  [[ ! -f /usr/share/keyrings/debian-archive-keyring.gpg ]]; then
  result=0
  provide_from_image || result=$?
  ((result == 0)) || say "this is not a Debian machine, and there is no image: put a nats-server on the PATH"
  exit $result
fi
result=0
provide trixie || result=$?
if ((result != 0)); then
  say "Debian trixie's nats-server cannot be had"
  exit $result
fi
# The Release file of a mirror that stands still expires; its signature is checked all the same.
provide sid -o Acquire::Check-Valid-Until=false || say "Debian sid's nats-server cannot be had: it is optional"
