#!/usr/bin/env bash
# Makes .venv with Python 3.10, the packages that requirements.txt locks, and this project itself (editable).
# Does nothing where that has been done for the present requirements.txt and pyproject.toml; an installation that
# was broken off is made anew. PYTHON=/path/to/python3.10 names the interpreter to use.
# `tools/setup.sh bench` makes .venv-bench in the same way, which holds the peers of requirements-bench.txt as well.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

case ${1:-} in
  '') venv=.venv locks=(requirements.txt) ;;
  bench) venv=.venv-bench locks=(requirements.txt requirements-bench.txt) ;;
  *) echo "set-up: unknown environment '$1'; give none or 'bench'" >&2; exit 2 ;;
esac
stamp=$venv/.installed
unfinished=$venv/.unfinished

wanted='install Python 3.10 with its C headers (pyenv install 3.10, or the packages python3.10, python3.10-venv and python3.10-dev of your system) and give the same command again, with PYTHON=/path/to/python3.10 if it is not on PATH'

die() { echo "set-up: $*" >&2; exit 1; }

# What the environment depends on: the folder too, since scripts in it name the interpreter by its full path.
fingerprint() { echo "$PWD"; cat "${locks[@]}" pyproject.toml tools/setup.sh | cksum; }

is_done() { [[ -x $venv/bin/python && ! -e $unfinished && -f $stamp && "$(<"$stamp")" == "$(fingerprint)" ]]; }

# Interpreters that may exist, those most likely to be 3.10 first. A shim of pyenv may be there and not work.
interpreters() {
  printf '%s\n' ${PYTHON:+"$PYTHON"} python3.10 python3 python
  find "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.10.*/bin/python 2>/dev/null || true
}

# An interpreter of 3.10 that has its C headers: one of the packages is compiled.
python310() {
  local candidate
  while read -r candidate; do
    "$candidate" - 2>/dev/null <<'PY' && return
import os, sys, sysconfig
if sys.version_info[:2] != (3, 10) or not os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")):
    sys.exit(1)
print(getattr(sys, "_base_executable", sys.executable))
PY
  done < <(interpreters)
  return 1
}

# The lines of requirements.txt for one package, hashes included.
locked() { awk -v name="$1==" 'index($0, name) == 1 {on = 1; print; next} on && /^    --hash/ {print; next} {on = 0}' requirements.txt; }

# Sets `uv`: the environment's own, that on PATH, or the locked one, installed aside by any Python that has pip.
find_uv() {
  local candidate
  for candidate in "$PWD/$venv/bin/uv" "$PWD/.venv/bin/uv" uv; do
    if "$candidate" --version >/dev/null 2>&1; then uv=$candidate; return; fi
  done
  locked uv >"$scratch/uv.txt"
  while read -r candidate; do
    "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 8))' 2>/dev/null || continue
    if "$candidate" -m venv "$scratch/uv" </dev/null &>"$scratch/log"; then
      "$scratch/uv/bin/python" -m pip install -q --require-hashes -r "$scratch/uv.txt" </dev/null &>"$scratch/log" || continue
    else
      rm -rf "$scratch/uv"
      "$candidate" -m pip install -q --target "$scratch/uv" --require-hashes -r "$scratch/uv.txt" </dev/null &>"$scratch/log" || continue
    fi
    uv=$scratch/uv/bin/uv
    return
  done < <(interpreters)
  [[ -f $scratch/log ]] || die "no Python was found: $wanted."
  die "the installer uv could not be had, which takes any Python from 3.8 on with pip and a package registry that answers; pip's last word was: $(tail -n 1 "$scratch/log")"
}

# Hands pip's configuration (environment and pip.conf) on to uv, which does not read it.
# The lock pins every file by its hash, so whichever index has a file may give it.
follow_pip() {
  local candidate key value
  while read -r candidate; do
    "$candidate" -m pip config list </dev/null >"$scratch/pip.conf" 2>/dev/null && break
  done < <(interpreters)
  while IFS='=' read -r key value; do
    value=${value#\'}; value=${value%\'}; value=${value//\\n/ }
    case $key in
      *.index-url) export UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX:-$value} ;;
      *.extra-index-url) export UV_INDEX="${UV_INDEX:-} $value" UV_INDEX_STRATEGY=${UV_INDEX_STRATEGY:-unsafe-best-match} ;;
      *.find-links) export UV_FIND_LINKS=${UV_FIND_LINKS:-$(echo $value | tr ' ' ',')} ;;
      *.no-index) export UV_NO_INDEX=${UV_NO_INDEX:-$value} ;;
      *.cert) export SSL_CERT_FILE=${SSL_CERT_FILE:-$value} ;;
      *.trusted-host) export UV_INSECURE_HOST=${UV_INSECURE_HOST:-$value} ;;
    esac
  done <"$scratch/pip.conf"
  export UV_HTTP_TIMEOUT=${UV_HTTP_TIMEOUT:-120}
}

make_venv() {
  local python log=$scratch/venv.log
  if python=$(python310); then
    "$uv" venv --quiet --no-project --clear --python "$python" "$venv" || die "$python could not make $venv."
  else
    echo "set-up: no Python 3.10 with its headers here; asking uv for one"
    "$uv" venv --quiet --no-project --clear --python 3.10 --managed-python "$venv" &>"$log" ||
      die "no Python 3.10 with its C headers was found on PATH or in pyenv, and uv could not download one: $wanted."
  fi
}

# A C++ compiler for the one package that comes as source: the machine's own, or the one in the wheel of ziglang.
find_compiler() {
  local language
  if command -v c++ >/dev/null || command -v g++ >/dev/null; then return; fi
  [[ -z ${CXX:-} ]] || return 0
  echo "set-up: no C++ compiler here; using the one in the Python package ziglang, which takes some minutes the first time"
  "$uv" venv --quiet --no-project --python "$venv/bin/python" "$scratch/zig"
  "$uv" pip sync --quiet --require-hashes --python "$scratch/zig/bin/python" tools/compiler.txt ||
    die "a C++ compiler is needed and could not be fetched; install one (Debian: apt install g++) and give the same command again."
  for language in cc c++; do
    # The plain instruction set of the machine's kind, so that what is built may be kept in a shared cache.
    printf '#!/bin/sh\nexec "%s" -m ziglang %s -target %s-linux-gnu.2.17 "$@"\n' \
      "$scratch/zig/bin/python" "$language" "$(uname -m)" >"$scratch/$language"
    chmod +x "$scratch/$language"
  done
  export CC=$scratch/cc CXX=$scratch/c++ ZIG_GLOBAL_CACHE_DIR=$scratch/zig-cache ZIG_LOCAL_CACHE_DIR=$scratch/zig-cache
}

install_packages() {
  echo "set-up: installing $(grep -h '^[a-z].*==' "${locks[@]}" | sort -u | wc -l) locked packages into $venv"
  if ! "$uv" pip sync --quiet --require-hashes --python "$venv/bin/python" "${locks[@]}"; then
    # Where uv failed before it changed a thing (no connection), what was there is as good as before.
    if [[ $venv/lib/python3.10/site-packages -ot $unfinished ]]; then rm -f "$unfinished"; fi
    die "the locked packages could not be installed; what uv said is above."
  fi
  "$uv" pip install --quiet --no-deps --no-build-isolation --python "$venv/bin/python" --editable . ||
    die "the project itself could not be installed; what uv said is above."
}

is_done && exit
if command -v flock >/dev/null; then
  exec 9<tools/setup.sh
  flock 9
  if is_done; then exit; fi
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
SECONDS=0
# Broken off, or the folder was moved: the scripts in it then start an interpreter that is not there.
if [[ -e $unfinished || (-f $stamp && $(head -n 1 "$stamp") != "$PWD") ]]; then rm -rf "$venv"; fi
follow_pip
find_uv
if ! "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 10))' 2>/dev/null; then
  make_venv
fi
find_compiler
touch "$unfinished"
rm -f "$stamp"
install_packages
fingerprint >"$stamp"
rm -f "$unfinished"
echo "set-up: done in $SECONDS s"
