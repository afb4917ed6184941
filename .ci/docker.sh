#!/usr/bin/env bash
# Sets up what the tests with containers need, on a Debian machine as root:
#
#   .ci/docker.sh start    starts Docker's engine; provides `docker compose` 2 and the base images
#   .ci/docker.sh stop     stops the engine if this script has started it
#
# It changes nothing that exists already. It pulls the base images if a registry answers. Otherwise
# it builds stand-ins: Debian with debootstrap; on top of it Deno from npm, in two versions: the
# pinned one, and the one that can `deno compile` without a download (see tools/deno/README.md), with
# the npm packages of deno.json in its cache, since builds have no network; the nats-server of
# .ci/nats.sh; and Debian's Prometheus. It exits with 3 if this machine cannot run the engine.

set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Prints the default of the variable $1 in docker-compose.yaml, which names the base images.
base_image() { sed -n "s/^ *$1: \"\${$1:-\(.*\)}\"\$/\1/p" docker-compose.yaml | head -n 1; }

DENO_PINNED=$(sed -n 's/^DENO_PINNED=//p' denow)
DENO_IMAGE=$(base_image DENO_IMAGE)
DEBIAN_IMAGE=$(base_image DEBIAN_IMAGE)
# Prints the image $1 of the services that run only where somebody asks for them.
service_image() { sed -n "s/^ *$1: \"\(.*\)\",\$/\1/p" tools/run/compose_parts.ts; }
NATS_IMAGE=$(service_image NATS_IMAGE)
PROMETHEUS_IMAGE=$(service_image PROMETHEUS_IMAGE)
# The Debian release of that image.
DEBIAN=bookworm
# The Debian release whose docker-compose package has version 2.
COMPOSE_DEBIAN=trixie
ENGINE_DIR=.cache/docker
# The npm packages that an image must have, one a line: `name@version`.
NPM_PACKAGES=$(sed -n 's/^ *"\(.*\)": "npm:.*\(@[0-9].*\)",\{0,1\}$/\1\2/p' deno.json)
# Increase the number when make_deno changes, so that outdated stand-ins are rebuilt.
STAND_IN_RECIPE=3-$(cksum <<<"$NPM_PACKAGES" | cut -d ' ' -f 1)

say() { echo "docker.sh: $*" >&2; }

source .ci/debian.sh

main() {
  case ${1:-start} in
    start) start ;;
    stop) stop ;;
    *) say "unknown command $1: use start or stop" && exit 2 ;;
  esac
}

start() {
  install_packages
  start_engine
  install_compose
  base_images
  nats_image
  prometheus_image
}

stop() {
  local pid_file=$ENGINE_DIR/pid pid
  [[ -f $pid_file ]] || return 0
  pid=$(cat "$pid_file")
  if [[ $(cat "/proc/$pid/comm" 2>/dev/null) == dockerd ]]; then
    kill "$pid"
    for _ in $(seq 100); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
  fi
  rm -f "$pid_file"
}

# Installs the Debian packages, listed as program:package, whose program is missing.
install_packages() {
  local missing=() pair
  for pair in dockerd:docker.io docker:docker.io debootstrap:debootstrap; do
    if ! command -v "${pair%%:*}" >/dev/null && [[ " ${missing[*]} " != *" ${pair##*:} "* ]]; then
      missing+=("${pair##*:}")
    fi
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0
  command -v apt-get >/dev/null && [[ $EUID -eq 0 ]] || {
    say "cannot install ${missing[*]}: needs apt-get and root; install Docker by hand"
    exit 3
  }
  say "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  quietly apt-get update
  quietly apt-get install -y --no-install-recommends "${missing[@]}"
}

start_engine() {
  docker info >/dev/null 2>&1 && return 0
  mkdir -p "$ENGINE_DIR"
  # The pid file of a killed engine would keep a new one from starting.
  local old=/var/run/docker.pid
  if [[ -f $old ]] && ! kill -0 "$(cat $old)" 2>/dev/null; then rm -f "$old"; fi
  setsid dockerd >"$ENGINE_DIR/log" 2>&1 </dev/null &
  local pid=$!
  echo "$pid" >"$ENGINE_DIR/pid"
  for _ in $(seq 300); do
    docker info >/dev/null 2>&1 && return 0
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.2
  done
  say "Docker's engine does not start on this machine; the end of its log:"
  tail -n 5 "$ENGINE_DIR/log" >&2
  stop
  exit 3
}

install_compose() {
  [[ $(docker compose version --short 2>/dev/null) =~ ^v?[2-9] ]] && return 0
  say "installing docker compose version 2 from Debian $COMPOSE_DEBIAN"
  local dir plugins=/usr/local/lib/docker/cli-plugins
  dir=$(mktemp -d)
  unpack_debian_package "$COMPOSE_DEBIAN" docker-compose "$dir" || exit 1
  mkdir -p "$plugins"
  install "$(find "$dir" -path '*/cli-plugins/docker-compose' -type f)" "$plugins/docker-compose"
  rm -rf "$dir"
  docker compose version >/dev/null
}

# Provides the images that the Dockerfiles build on.
base_images() {
  if pull "$DEBIAN_IMAGE" && pull "$DENO_IMAGE" && [[ $(stand_in "$DENO_IMAGE") != outdated ]]; then
    return 0
  fi
  have_image "$DEBIAN_IMAGE" || make_debian "$DEBIAN_IMAGE"
  make_deno "$DENO_IMAGE" "$(pinned_deno)" "$(./denow run -A tools/deno/stand_in_compiler.ts)"
}

# Provides the image of nats-server. Without one, tests with nodes in containers are skipped.
nats_image() {
  pull "$NATS_IMAGE" && return 0
  .ci/nats.sh >&2 || {
    say "there is no image $NATS_IMAGE, and no nats-server to make a stand-in of"
    return 0
  }
  local server=.cache/nats/sid/nats-server
  [[ -x $server ]] || server=.cache/nats/trixie/nats-server
  make_nats "$NATS_IMAGE" "$server" || say "no stand-in for the image $NATS_IMAGE can be made"
}

# Provides the image of Prometheus. Without one, its test in a container is skipped.
prometheus_image() {
  pull "$PROMETHEUS_IMAGE" || make_prometheus "$PROMETHEUS_IMAGE" ||
    say "no stand-in for the image $PROMETHEUS_IMAGE can be made"
}

# Prints the path of the pinned Deno. If ./denow runs another version, this installs the pinned one.
pinned_deno() {
  local deno own=$PWD/.deno/bin/deno
  for deno in "$(./denow eval 'console.log(Deno.execPath())')" "$own"; do
    if [[ -x $deno && $("$deno" --version) == "deno $DENO_PINNED "* ]]; then
      echo "$deno"
      return 0
    fi
  done
  # Hide every other Deno, on the PATH and in the home folder, from ./denow.
  local dir path='' home
  while read -r -d : dir; do [[ -x $dir/deno ]] || path+=:$dir; done <<<"$PATH:"
  home=$(mktemp -d)
  rm -f "$own"
  env -u DENO -u DENO_INSTALL HOME="$home" PATH="${path#:}" ./denow --version >&2
  rm -rf "$home"
  echo "$own"
}

have_image() { docker image inspect "$1" >/dev/null 2>&1; }

# Prints whether an image is genuine, a current stand-in or an outdated one.
stand_in() {
  case $(docker image inspect --format '{{index .Config.Labels "stand-in"}}' "$1") in
    '' | '<no value>') echo genuine ;;
    "$STAND_IN_RECIPE") echo current ;;
    *) echo outdated ;;
  esac
}

pull() {
  have_image "$1" || timeout 120 docker pull -q "$1" >/dev/null 2>&1
}

make_debian() {
  say "building a stand-in for the image $1 with debootstrap"
  local dir
  dir=$(mktemp -d)
  quietly debootstrap --variant=minbase --include=tini "$DEBIAN" "$dir/root" "$(debian_mirror)"
  rm -rf "$dir"/root/var/cache/apt/archives/*.deb "$dir"/root/var/lib/apt/lists/*
  tar -C "$dir/root" -c . |
    quietly docker import --change 'LABEL stand-in=true' --change 'CMD ["bash"]' - "$1"
  rm -rf "$dir"
}

# Builds the image $1 from the program $2, deno, and the folder $3, which has the deno and the
# denort that compile. Like the official image it has a user `deno`, /deno-dir as its cache, and an
# entry point that accepts Deno's commands.
make_deno() {
  say "building a stand-in for the image $1; its \`deno compile\` is that of $("$3/deno" --version | head -n 1)"
  local dir
  dir=$(mktemp -d)
  mkdir "$dir/bin" "$dir/compiler"
  cp "$2" "$dir/bin/deno"
  cp "$3/deno" "$3/denort" "$dir/compiler"
  cp .ci/docker-deno.sh .ci/docker-entrypoint.sh "$dir/"
  cache_packages "$2" "$dir/deno-dir"
  cat >"$dir/Dockerfile" <<END
FROM $DEBIAN_IMAGE
COPY bin /usr/bin/
COPY compiler /usr/lib/deno-compiler/
COPY docker-deno.sh /usr/local/bin/deno
COPY docker-entrypoint.sh /usr/local/bin/
COPY deno-dir /deno-dir/
RUN useradd --uid 1993 --user-group deno && chown -R deno:deno /deno-dir && ln -s /usr/bin/tini /tini
ENV DENO_DIR=/deno-dir/ DENO_INSTALL_ROOT=/usr/local
LABEL stand-in=$STAND_IN_RECIPE
ENTRYPOINT ["/tini", "--", "docker-entrypoint.sh"]
END
  quietly docker build -t "$1" "$dir"
  rm -rf "$dir"
}

# Fills the folder $2, a cache of the program $1, deno, with the npm packages.
cache_packages() {
  mkdir "$2"
  DENO_DIR=$2 quietly "$1" eval --no-lock "$(sed 's/^.*$/import "npm:&";/' <<<"$NPM_PACKAGES")"
}

# Builds the image $1 from the program $2, nats-server. Like the pinned variant of the official image
# it has a wget, for the health check.
make_nats() {
  say "building a stand-in for the image $1 with $("$2" --version)"
  local dir
  dir=$(mktemp -d)
  unpack_debian_package "$DEBIAN" busybox-static "$dir/files" || return 1
  cp "$2" "$(find "$dir/files" -path "*/bin/busybox" -type f)" "$dir/" || return 1
  cat >"$dir/Dockerfile" <<END
FROM $DEBIAN_IMAGE
COPY nats-server busybox /usr/local/bin/
RUN ln -s busybox /usr/local/bin/wget
LABEL stand-in=true
ENTRYPOINT ["nats-server"]
END
  quietly docker build -t "$1" "$dir" || return 1
  rm -rf "$dir"
}

# Builds the image $1 from Debian's package. Like the official image it runs as nobody, to whom the folder
# of its data belongs.
make_prometheus() {
  say "building a stand-in for the image $1 with Debian's Prometheus"
  local dir
  dir=$(mktemp -d)
  unpack_debian_package "$DEBIAN" prometheus "$dir/files" || return 1
  cp "$dir/files/usr/bin/prometheus" "$dir/" || return 1
  rm -rf "$dir/files"
  cat >"$dir/Dockerfile" <<END
FROM $DEBIAN_IMAGE
COPY prometheus /bin/
RUN mkdir /prometheus && chown nobody /prometheus
USER nobody
WORKDIR /prometheus
VOLUME /prometheus
LABEL stand-in=true
ENTRYPOINT ["/bin/prometheus"]
END
  quietly docker build -t "$1" "$dir" || return 1
  rm -rf "$dir"
}

main "$@"
