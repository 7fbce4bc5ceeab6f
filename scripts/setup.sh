# Sourced by the other scripts: moves to the checkout and readies what they need in it.
#
#   setup core|dev|fuzz|serve|spark|tpm [PROGRAM:PACKAGE...]
#
# makes .venv with the project (but for `core`, with the extra of that name) and puts it on PATH;
# programs that the system lacks (or files, named by their whole path) come from Debian's packages.
# When all is there, it is silent and takes no time. What this machine cannot install is said in one
# line.
# shellcheck shell=bash

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
    echo "${0##*/}: $*" >&2
    exit 1
}

setup() {
    local kind=$1 python=.venv/bin/python packages
    shift
    venv_works || python=$(find_python)
    packages=$(missing_packages git:git "$@")
    if [ -n "$packages" ]; then
        # shellcheck disable=SC2086 # a list of words
        locked install_packages $packages
    fi
    is_current "$kind" || locked install_project "$kind"
    PATH="$PWD/.venv/bin:$PATH"
}

# The verifiers that attest is compared with, after `setup`: tpm2_checkquote, tpm2-pytss, which is
# built against the system's libtss2, and keylime in an environment of its own. And the clients that
# the gate works with, each in another: NOMYO's, the majors of OpenAI's SDK, and that for Node.
setup_peers() {
    local headers name
    headers=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("include"))')
    setup tpm tpm2:tpm2-tools cc:build-essential pkg-config:pkg-config \
        "$headers/Python.h:${headers##*/}-dev" /usr/include/tss2/tss2_esys.h:libtss2-dev
    for name in keylime nomyo openai1 openai2 openai3 node; do
        peer_is_current "$name" || locked install_peer "$name"
    done
}

# A virtual environment that was copied or moved with the checkout is made anew.
venv_works() {
    [ "$(cat .venv/place 2>/dev/null)" = "$PWD" ] && .venv/bin/python -c '' 2>/dev/null
}

# The first Python of 3.11 or newer. Each is asked, for a name on PATH may be an empty shim.
find_python() {
    local name
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    fail "needs Python 3.11 or newer, and found none"
}

# Debian packages that are needed and missing. Its Python comes without venv.
missing_packages() {
    local pair
    for pair in "$@"; do
        case "$pair" in
            /*) [ -e "${pair%%:*}" ] || echo "${pair#*:}" ;;
            *) command -v "${pair%%:*}" >/dev/null || echo "${pair#*:}" ;;
        esac
    done
    if [ "$python" != .venv/bin/python ] && ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        echo "$python-venv"
    fi
}

install_packages() {
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        fail "missing packages: $* (install them, then run this again)"
    fi
    echo "${0##*/}: installing $*" >&2
    export DEBIAN_FRONTEND=noninteractive
    quietly apt-get -qq -o DPkg::Lock::Timeout=300 update
    quietly apt-get -qq -y -o DPkg::Lock::Timeout=300 install --no-install-recommends "$@"
}

# The installation is current when its stamp names this pyproject.toml.
is_current() {
    venv_works && [ "$(cat ".venv/stamp-$1" 2>/dev/null)" = "$(git hash-object pyproject.toml)" ]
}

install_project() {
    local kind=$1 target=.
    if is_current "$kind"; then return; fi # another script did it while this one waited
    if [ "$kind" != core ]; then target=".[$kind]"; fi
    echo "${0##*/}: setting up .venv" >&2
    if ! venv_works; then
        quietly "$python" -m venv --clear .venv
        echo "$PWD" >.venv/place
    fi
    quietly .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input -e "$target"
    quietly .venv/bin/python -m compileall -q attest client
    git hash-object pyproject.toml >.venv/stamp-core
    if [ "$kind" != core ]; then cp .venv/stamp-core ".venv/stamp-$kind"; fi
}

# A peer in an environment of its own is current when its stamp names what it needs.
peer_is_current() {
    ".venv/$1/bin/python" -c '' 2>/dev/null &&
        [ "$(cat ".venv/$1/stamp" 2>/dev/null)" = "$(needs_of "$1" | git hash-object --stdin)" ]
}

# What a peer needs: its list; where our client runs beside it, what the project itself needs too.
needs_of() {
    cat "tests/peers/$1.txt"
    if [ "$1" = node ]; then sed 's/^/# /' tests/peers/node/package.json; fi
    case "$1" in keylime | node) return ;; esac
    .venv/bin/python -c 'import pathlib, tomllib
project = tomllib.loads(pathlib.Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
print(*project["dependencies"], sep="\n")'
}

install_peer() {
    if peer_is_current "$1"; then return; fi
    echo "${0##*/}: setting up .venv/$1" >&2
    quietly .venv/bin/python -m venv --clear ".venv/$1"
    needs_of "$1" >".venv/$1/needs.txt"
    quietly ".venv/$1/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
        -r ".venv/$1/needs.txt"
    if [ "$1" = node ]; then
        cp tests/peers/node/package.json .venv/node/
        PATH="$PWD/.venv/node/bin:$PATH" quietly npm install --prefix .venv/node --no-audit --no-fund
    fi
    git hash-object ".venv/$1/needs.txt" >".venv/$1/stamp"
}

# Run a command quietly; show what it said only if it fails.
quietly() {
    local said
    if ! said=$("$@" 2>&1); then
        printf '%s\n' "$said" >&2
        fail "failed: $*"
    fi
}

# One at a time where flock exists, so that two scripts may start together.
# pyproject.toml is only the lock's handle.
locked() {
    (
        if command -v flock >/dev/null; then flock 9; fi
        "$@" 9<&-
    ) 9<pyproject.toml
}
