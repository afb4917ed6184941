# Functions for the scripts of this folder that take something from Debian. Source it.

# Runs a command and prints its output only if it fails.
quietly() {
  local output
  output=$("$@" 2>&1) && return 0
  say "failed: $*"
  tail -n 10 <<<"$output" >&2
  return 1
}

# Prints the Debian mirror of this machine's package lists.
debian_mirror() {
  [[ -n $(find /var/lib/apt/lists -name '*Packages*' -print -quit) ]] || quietly apt-get update
  apt-get indextargets --format '$(REPO_URI)' \
    'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | sort -u | head -n 1
}

# Unpacks the package $2 of the Debian release $1 into the folder $3, with the options of apt-get
# that follow. Nothing is installed, and the machine's own package lists stay as they are: apt-get
# gets a configuration with folders of its own. It still checks Debian's signatures. Returns 3 if
# the release's package list cannot be had.
unpack_debian_package() {
  local release=$1 package=$2 target=$3 mirror dir
  shift 3
  mirror=$(debian_mirror) && [[ -n $mirror ]] || return 3
  dir=$(mktemp -d)
  mkdir -p "$dir"/{parts,state/lists/partial,cache/archives/partial}
  touch "$dir/state/status"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $release main" \
    >"$dir/sources.list"
  {
    # The machine's way out, for example a proxy.
    apt-config dump | grep -E '^Acquire::(http|https|Retries)' || :
    cat <<END
Dir::Etc::main "-";
Dir::Etc::parts "$dir/parts";
Dir::Etc::sourcelist "$dir/sources.list";
Dir::Etc::sourceparts "-";
Dir::State "$dir/state";
Dir::State::status "$dir/state/status";
Dir::Cache "$dir/cache";
APT::Sandbox::User "root";
Acquire::Languages "none";
END
  } >"$dir/apt.conf"
  local result=0
  if ! APT_CONFIG=$dir/apt.conf quietly apt-get -qq "$@" update; then
    result=3
  elif ! (cd "$dir" && APT_CONFIG=$dir/apt.conf quietly apt-get -qq "$@" download "$package") ||
    ! dpkg-deb -x "$dir/$package"_*.deb "$target"; then
    result=1
  fi
  rm -rf "$dir"
  return $result
}
