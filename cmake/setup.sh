#!/bin/bash
# setup.sh: installs those packages of cmake/packages.txt that are missing.  Asks nothing and, when all are there, does
# nothing.  Used by ./demo, ./test and ./bench.  Exit 3 when it cannot.
set -euo pipefail
list=$(dirname "${BASH_SOURCE[0]}")/packages.txt

missing=()
for package in $(sed 's/#.*//' "$list"); do
    state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
        echo "missing packages: ${missing[*]}; install them, or run this as root or with sudo that needs no password" >&2
        exit 3
    fi
    as_root=(sudo)
fi

echo "installing: ${missing[*]}" >&2
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    echo "cannot install: ${missing[*]}; is the network there and this a Debian 12?" >&2
    exit 3
fi
