# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
# Shared by the scripts: packages, builds, network namespaces, huge pages, and the life of one server process.
#
# Everything that is made outside the tree is written down under $state before or as it is made, so that undo_all can
# take it back later, also when the script that made it was killed. Nothing here decides what to check.

set -u -o pipefail
export LC_ALL=C

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
state=/run/millrace
logs=$top/build/log

# What it takes to build everything; the tests need Check as well.
build_packages=(gcc libc6-dev meson ninja-build pkgconf libdpdk-dev libnuma-dev libjansson-dev check python3)

say() {
  printf '%s\n' "$*"
}

warn() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
}

die() {
  warn "$*"
  exit 1
}

need_root() {
  [ "$(id -u)" -eq 0 ] || die "needs root: try sudo $0"
}

package_missing() {
  # The dollar sign is for dpkg-query: shellcheck disable=SC2016
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" != installed ]
}

# Install what is missing of the packages named; does nothing at all when none is.
packages_install() {
  local package try missing=() log
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    warn "no apt-get here: the tools of these Debian packages must be there already: $*"
    return 0
  fi
  for package in "$@"; do
    if package_missing "$package"; then missing+=("$package"); fi
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  need_root
  say "Installing ${missing[*]}"
  log=$(mktemp)
  for try in 1 2 3; do
    # A list that cannot be fetched need not be one that we want: the installation tells.
    DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 update >"$log" 2>&1 </dev/null
    DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 install --no-install-recommends \
      "${missing[@]}" >>"$log" 2>&1 </dev/null && { rm -f "$log"; return 0; }
    sleep $((try * 3))
  done
  tail -n 20 "$log" >&2
  die "apt-get could not install ${missing[*]} (whole log: $log)"
}

# build DIR TARGET... -- MESON-OPTION...: set up once, then bring the targets up to date (no target: everything).
build() {
  local dir=$top/$1 targets=() log
  shift
  while [ $# -gt 0 ] && [ "$1" != -- ]; do targets+=("$1"); shift; done
  [ $# -eq 0 ] || shift
  log=$(mktemp)
  if [ ! -f "$dir/build.ninja" ]; then
    rm -rf "$dir"
    meson setup --werror "$@" "$dir" "$top" >"$log" 2>&1 || { tail -n 30 "$log" >&2; die "meson setup $dir failed"; }
  fi
  ninja -C "$dir" "${targets[@]}" >"$log" 2>&1 || { tail -n 60 "$log" >&2; die "the build in $dir failed"; }
  rm -f "$log"
}

# built_for_release DIRECTORY: whether it is a build directory of that type.
built_for_release() {
  grep -q '"name": "buildtype", "value": "release"' "$top/$1/meson-info/intro-buildoptions.json" 2>/dev/null
}

# install_library DIRECTORY: the library and its headers as a user has them, for compile_installed; sets installed_lib.
install_library() {
  local pc
  meson install -C "$top/build" --no-rebuild --quiet --destdir "$1" || return 1
  pc=$(find "$1" -name millrace.pc)
  [ -n "$pc" ] || return 1
  installed_lib=${pc%/pkgconfig/*}
  # The prefix is where the library is for now; DPDK's flags come once more with DPDK's own prefix.
  read -ra installed_flags < <(PKG_CONFIG_PATH=${pc%/*} pkg-config --define-variable=prefix="$1/usr/local" --cflags --libs millrace |
    tr '\n' ' '; pkg-config --cflags --libs libdpdk)
}

# compile_installed SOURCE... PROGRAM: with pkg-config's flags and nothing else.
compile_installed() {
  gcc -std=gnu11 -Wall -Wextra -Werror -o "${@:$#}" "${@:1:$#-1}" "${installed_flags[@]}"
}

# ---- processes, by identifier and start time, so that a reused identifier is never taken for ours

process_start() {
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  # Field 22; the name in field 2 may hold blanks, so count behind its closing bracket.
  # shellcheck disable=SC2086
  set -- ${stat##*) }
  [ "$1" != Z ] || return 1
  printf '%s\n' "${20}"
}

process_remember() {
  printf '%s %s\n' "$2" "$(process_start "$2")" >"$state/$1.pid"
}

# Print the identifier of a remembered process if it still runs.
process_running() {
  local pid start
  read -r pid start 2>/dev/null <"$state/$1.pid" || return 1
  [ -n "$start" ] && [ "$(process_start "$pid")" = "$start" ] || return 1
  printf '%s\n' "$pid"
}

# End a remembered process, which leads a session, and what it has started: ask, wait, then insist. Returns 1 if it had
# to insist.
process_stop() {
  local pid i
  pid=$(process_running "$1") || { rm -f "$state/$1.pid"; return 0; }
  kill -TERM -- "-$pid" 2>/dev/null
  for ((i = 0; i < 150; i++)); do
    process_running "$1" >/dev/null || { rm -f "$state/$1.pid"; return 0; }
    sleep 0.1
  done
  warn "$1 (process $pid) did not end within 15 s of SIGTERM: killing it"
  kill -KILL -- "-$pid" 2>/dev/null
  while process_running "$1" >/dev/null; do sleep 0.1; done
  rm -f "$state/$1.pid"
  return 1
}

# ---- network namespaces

netns_add() {
  mkdir -p "$state"
  printf '%s\n' "$1" >>"$state/netns"
  ip netns add "$1" || die "cannot make the network namespace $1 (is the root file system a mount point?)"
  ip -n "$1" link set lo up
}

netns_delete() {
  if ip netns list 2>/dev/null | grep "^$1\( \|\$\)" >/dev/null; then ip netns delete "$1"; fi
}

# interface_up NAMESPACE INTERFACE ADDRESS...
interface_up() {
  local netns=$1 dev=$2 addr
  shift 2
  ip netns exec "$netns" sh -c "echo 0 >/proc/sys/net/ipv6/conf/$dev/disable_ipv6" 2>/dev/null
  ip -n "$netns" link set "$dev" mtu 1500 up || return 1
  for addr in "$@"; do
    case $addr in
    *:*) ip -n "$netns" addr add "$addr" dev "$dev" nodad || return 1 ;;
    *) ip -n "$netns" addr add "$addr" dev "$dev" || return 1 ;;
    esac
  done
}

# ---- memory of EAL

huge=/sys/kernel/mm/hugepages/hugepages-2048kB

# Make sure of N free huge pages of 2 MiB and a mount of our own. Sets eal_memory and memory_text.
memory_setup() {
  local want=$1 free before
  eal_memory=(--no-huge -m $((want * 2)))
  free=$(cat $huge/free_hugepages 2>/dev/null) || { memory_text="no huge pages: this kernel has none"; return; }
  if [ "$free" -lt "$want" ]; then
    before=$(cat $huge/nr_hugepages)
    [ -f "$state/nr_hugepages" ] || printf '%s\n' "$before" >"$state/nr_hugepages"
    echo $((before + want - free)) 2>/dev/null >$huge/nr_hugepages
    free=$(cat $huge/free_hugepages)
    if [ "$free" -lt "$want" ]; then
      memory_undo
      memory_text="no huge pages: $free of the $want wanted could be reserved"
      return
    fi
  fi
  mkdir -p "$state/huge"
  if ! mountpoint -q "$state/huge" && ! mount -t hugetlbfs -o pagesize=2M none "$state/huge" 2>/dev/null; then
    memory_undo
    memory_text="no huge pages: hugetlbfs cannot be mounted"
    return
  fi
  eal_memory=(--huge-dir "$state/huge")
  memory_text="huge pages: $want of 2 MiB"
}

memory_undo() {
  if mountpoint -q "$state/huge"; then umount "$state/huge" || umount -l "$state/huge"; fi
  if [ -f "$state/nr_hugepages" ]; then
    cat "$state/nr_hugepages" 2>/dev/null >$huge/nr_hugepages
    rm -f "$state/nr_hugepages"
  fi
}

# ---- one run: only one script at a time may own what is under $state

run_lock() {
  mkdir -p "$state"
  exec 9>"$state/lock"
  flock -n 9 || die "another run is under way (its terminal, or scripts/run --stop, ends it)"
}

run_interrupted() {
  trap '' INT TERM
  undo_all
  rm -rf "$state"
  exit 130
}

# Take back everything that a run has made: of this one, or of one that was killed.
undo_all() {
  local file name rc=0
  [ -d "$state" ] || return 0
  for file in "$state"/*.pid; do
    [ -e "$file" ] || continue
    name=${file##*/}
    process_stop "${name%.pid}" || rc=1
  done
  if [ -f "$state/netns" ]; then
    while read -r name; do netns_delete "$name"; done <"$state/netns"
  fi
  memory_undo
  rm -rf /run/dpdk/millrace-* "$state/netns" "$state/tmp"
  rmdir "$state/huge" 2>/dev/null
  return $rc
}

# server_start NAMESPACE LOG WORKERS CONFIG EAL-ARGUMENT...: the program in a namespace; sets server_pid and server_log.
server_start() {
  local netns=$1 log=$2 workers=$3 config=$4
  shift 4
  mkdir -p "${log%/*}"
  # A session of its own: Ctrl-C is for the script, which then asks the server to end, once.
  setsid ip netns exec "$netns" "$top/build/app/millrace/millrace" -l "0-$((workers - 1))" --no-pci --iova-mode=va \
    --file-prefix millrace-server "${eal_memory[@]}" "$@" -- -c "$config" --strict-leaks >"$log" 2>&1 </dev/null 9>&- &
  server_pid=$!
  server_log=$log
  process_remember server "$server_pid"
}

# server_wait NAMESPACE ADDRESS: until the server answers a ping from there, or has ended.
server_wait() {
  local i
  for ((i = 0; i < 200; i++)); do
    if ip netns exec "$1" ping -q -c 1 -W 1 "$2" >/dev/null 2>&1; then return 0; fi
    process_running server >/dev/null || break
    sleep 0.1
  done
  warn "the server does not answer at $2 (log: $server_log)"
  tail -n 20 "$server_log" >&2
  return 1
}

# taps_wait NAMESPACE N: until the server has started its N taps. They are there before that, but then their link addresses
# may still be changed by it.
taps_wait() {
  local i
  for ((i = 0; i < 200; i++)); do
    if [ "$(ip -n "$1" -br link show up | grep -c mr-tap)" -ge "$2" ]; then return 0; fi
    process_running server >/dev/null || return 0
    sleep 0.1
  done
}

# kernel_repeated NAMESPACE: prints how many segments the TCP of the kernel has sent there that it had sent before, in both
# families: retransmissions, and its probes of closed windows and of idle connections, which bear an old sequence number.
kernel_repeated() {
  ip netns exec "$1" cat /proc/net/snmp /proc/net/netstat | awk '
    $1 != group { group = $1; split($0, name); next }
    { for (i in name) if (name[i] ~ /^(RetransSegs|TCPWinProbe|TCPKeepAlive)$/) n += $i; group = "" }
    END { print n + 0 }'
}

# server_finish LOG WORKERS REPEATED: end the server and judge how it ended and what its summary says; the TCP at the other
# end has sent REPEATED segments again, or as probes.
server_finish() {
  local rc
  process_stop server
  wait "$server_pid" 2>/dev/null
  rc=$?
  python3 -B "$top/tests/kernel/summary.py" --report "$results" --exit-code $rc --workers "$2" --repeated "$3" "$1" ||
    report "FAIL summary: it could not be read"
}

# run_client NAMESPACE CHECK-ARGUMENT...: the checks of tests/kernel/check.py from the kernel's end of a wire.
run_client() {
  local netns=$1
  shift
  # In the background, so that a signal to this script is not kept waiting for it; in a session, to end all of it.
  setsid ip netns exec "$netns" python3 -B "$top/tests/kernel/check.py" --report "$results" "$@" 9>&- &
  client_pid=$!
  process_remember client "$client_pid"
  wait "$client_pid" || report "FAIL checks: the program that makes them failed"
  rm -f "$state/client.pid"
}

# ---- results: lines that start with "ok" or "FAIL"; a number behind it says how many tests the line stands for

results_open() {
  results=$logs/$1.txt
  mkdir -p "$logs"
  : >"$results" || die "cannot write $results"
}

report() {
  printf '%s\n' "$*" | tee -a "$results"
}

# Print the closing line; the exit code says whether anything failed or nothing was checked.
results_close() {
  local passed failed
  passed=$(awk '$1 == "ok" { n += $2 ~ /^[0-9]+$/ ? $2 : 1 } END { print n + 0 }' "$results")
  failed=$(awk '$1 == "FAIL" { n += $2 ~ /^[0-9]+$/ ? $2 : 1 } END { print n + 0 }' "$results")
  say "$passed passed, $failed failed"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
