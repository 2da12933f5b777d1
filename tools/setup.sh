#!/usr/bin/env bash
# Creates .venv with the packages of a lock and this project (editable). There are two stacks for one source tree:
#   py313   TFX 1.21 on Python 3.13 or 3.12, where glibc is 2.39 or newer: requirements.txt
#   py310   TFX 1.16 on Python 3.10, on older systems: requirements-py310.txt
# ATALAYA_STACK=py313 or py310 in the environment chooses one; PYTHON=/path/to/python names the interpreter to use.
# Does nothing if .venv is current for the lock and pyproject.toml; repeats an interrupted installation.
# `tools/setup.sh bench` creates .venv-bench in the same way, with the other libraries for the benchmarks.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

die() { echo "set-up: $*" >&2; exit 1; }

case ${1:-} in
  '') venv=.venv ;;
  bench) venv=.venv-bench ;;
  *) echo "set-up: unknown environment '$1'; give none or 'bench'" >&2; exit 2 ;;
esac
stamp=$venv/.installed
unfinished=$venv/.unfinished

# The version of this system's glibc, empty with another C library.
glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | awk '{print $2}') || true
at_least() { [[ $(printf '%s\n' "$1" "$2" | sort -V | head -n 1) == "$1" ]]; }  # WANTED PRESENT

# Sets `stack`, the versions and files that belong to it, and `reason`, why it was chosen.
choose_stack() {
  [[ $(uname -sm) == "Linux x86_64" && -n $glibc ]] ||
    die "TFX has packages only for Linux with glibc on x86_64, and this is $(uname -sm)${glibc:+ with glibc $glibc}; use such a system or a container."
  if [[ -n ${ATALAYA_STACK:-} ]]; then
    stack=$ATALAYA_STACK reason="ATALAYA_STACK is set"
  elif at_least 2.39 "$glibc"; then
    stack=py313 reason="this system's glibc $glibc is 2.39 or newer"
  else
    stack=py310 reason="this system's glibc $glibc is older than 2.39, which TFX 1.21 needs"
  fi
  case $stack in
    py313)
      at_least 2.39 "$glibc" ||
        die "ATALAYA_STACK=py313 needs glibc 2.39 or newer, and this system has $glibc; give ATALAYA_STACK=py310 for Python 3.10 with TFX 1.16, or use a newer system (Debian 13, Ubuntu 24.04)."
      versions=(3.13 3.12) lock=requirements.txt contents="TFX 1.21" ;;
    py310) versions=(3.10) lock=requirements-py310.txt contents="TFX 1.16" ;;
    *) die "ATALAYA_STACK must be py313 or py310, and is '$stack'; correct or unset it." ;;
  esac
  locks=("$lock")
  if [[ $venv == .venv-bench ]]; then locks+=("${lock/requirements/requirements-bench}"); fi
  wanted=${versions[*]/%/ or}
  wanted=${wanted% or}
  remedy="install Python $wanted with its C headers (pyenv install ${versions[0]}, or your system's packages, such as python${versions[-1]}, python${versions[-1]}-venv and python${versions[-1]}-dev) and repeat the command, with PYTHON=/path/to/python if it is not on PATH"
  if [[ $stack == py313 ]]; then remedy+="; or use Python 3.10 with ATALAYA_STACK=py310"; fi
}

# Identifies all that the environment depends on, including the folder, since its scripts have the interpreter's full path.
fingerprint() { echo "$PWD"; cat "${locks[@]}" pyproject.toml tools/setup.sh | cksum; }

is_done() {
  [[ -x $venv/bin/python && ! -e $unfinished && -f $stamp && "$(<"$stamp")" == "$(fingerprint)" ]] && has_python
}

# Whether the environment's interpreter fits the stack and, if PYTHON is set, is the same as PYTHON.
has_python() {
  local present
  present=$(fitting "$venv/bin/python" 2>/dev/null) && [[ -z ${PYTHON:-} || $present == "$(fitting "$PYTHON" 2>/dev/null)" ]]
}

# Prints candidate interpreters, most likely first. A shim of pyenv may exist but not work.
interpreters() {
  local version
  printf '%s\n' ${PYTHON:+"$PYTHON"} "${versions[@]/#/python}"
  for version in "${versions[@]}"; do
    find "${PYENV_ROOT:-${HOME:-}/.pyenv}/versions" -maxdepth 3 -path "*/versions/$version.*/bin/python" 2>/dev/null || true
  done
  printf '%s\n' python3 python
}

# Prints the base interpreter of $1 if its version fits and it has the C headers to compile one of the packages.
fitting() {
  "$1" - "${versions[@]}" <<'PY'
import os, sys, sysconfig
version = "%d.%d" % sys.version_info[:2]
if version not in sys.argv[1:]:
    sys.exit("is Python " + version)
if sysconfig.get_config_var("Py_GIL_DISABLED"):
    sys.exit("is a free-threaded Python, for which the packages have no builds")
if not os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")):
    sys.exit("has no C headers (Python.h)")
print(os.path.realpath(getattr(sys, "_base_executable", sys.executable)))
PY
}

# Sets `python`, the interpreter for the environment, empty if none fits.
find_python() {
  local candidate
  if [[ -n ${PYTHON:-} ]]; then
    [[ -x $(command -v "$PYTHON") ]] || die "PYTHON=$PYTHON is not a program; name a Python $wanted, or unset PYTHON."
    python=$(fitting "$PYTHON" 2>"$scratch/log") ||
      die "PYTHON=$PYTHON $(tail -n 1 "$scratch/log"), and the stack $stack needs Python $wanted with its C headers; name one, or unset PYTHON."
    return
  fi
  while read -r candidate; do
    if python=$(fitting "$candidate" 2>/dev/null); then return; fi
  done < <(interpreters)
  python=
}

# Prints the lines of the lock for one package, including hashes.
locked() { awk -v name="$1==" 'index($0, name) == 1 {on = 1; print; next} on && /^    --hash/ {print; next} {on = 0}' "$lock"; }

# Sets `uv`: the one in the environment, on PATH, or the locked one, installed into a scratch folder with any Python that has pip.
find_uv() {
  local candidate
  # A copy, since the environment may be removed and created again.
  cp "$venv/bin/uv" "$scratch/own-uv" 2>/dev/null || true
  for candidate in "$scratch/own-uv" "$PWD/.venv/bin/uv" uv; do
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
  [[ -f $scratch/log ]] || die "no Python was found; $remedy."
  die "the installer uv could not be installed; it needs any Python from 3.8 on with pip, and a package registry that answers. pip's last line was: $(tail -n 1 "$scratch/log")"
}

# Passes pip's configuration (environment and pip.conf) to uv, which does not read it.
# The lock pins every file by its hash, so any index that has a file may provide it.
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
  local log=$scratch/venv.log
  if [[ -n $python ]]; then
    "$uv" venv --quiet --no-project --clear --python "$python" "$venv" || die "$python could not create $venv."
  else
    echo "set-up: found no Python $wanted with its C headers; asking uv for one"
    "$uv" venv --quiet --no-project --clear --python "${versions[0]}" --managed-python "$venv" &>"$log" ||
      die "no Python $wanted with its C headers was found on PATH or in pyenv, and uv could not download one; $remedy."
  fi
}

# Finds a C++ compiler for the one package without a wheel: the machine's, or the one in the wheel of ziglang.
find_compiler() {
  local language
  if command -v c++ >/dev/null || command -v g++ >/dev/null; then return; fi
  [[ -z ${CXX:-} ]] || return 0
  echo "set-up: found no C++ compiler; using the one in the Python package ziglang, which takes some minutes the first time"
  "$uv" venv --quiet --no-project --python "$venv/bin/python" "$scratch/zig"
  "$uv" pip sync --quiet --require-hashes --python "$scratch/zig/bin/python" tools/compiler.txt ||
    die "a C++ compiler is needed and could not be fetched; install one (Debian: apt install g++) and repeat the command."
  for language in cc c++; do
    # Use the baseline instruction set, so that the build can be kept in a shared cache. For Debian's Python, add the
    # system's headers after all others, and drop a linker option that zig does not have.
    cat >"$scratch/$language" <<SH
#!/bin/sh
for argument; do shift; [ "\$argument" = -Wl,-Bsymbolic-functions ] || set -- "\$@" "\$argument"; done
exec "$scratch/zig/bin/python" -m ziglang $language -target $(uname -m)-linux-gnu.2.17 -idirafter /usr/include "\$@"
SH
    chmod +x "$scratch/$language"
  done
  export CC=$scratch/cc CXX=$scratch/c++ ZIG_GLOBAL_CACHE_DIR=$scratch/zig-cache ZIG_LOCAL_CACHE_DIR=$scratch/zig-cache
}

install_packages() {
  echo "set-up: installing $(grep -h '^[a-z].*==' "${locks[@]}" | sort -u | wc -l) locked packages into $venv, for Python $("$venv/bin/python" -c 'import platform; print(platform.python_version())')"
  if ! "$uv" pip sync --quiet --require-hashes --python "$venv/bin/python" "${locks[@]}"; then
    # If uv failed before it changed anything (no connection), the environment can still be used.
    if [[ $(echo "$venv"/lib/python3.*/site-packages) -ot $unfinished ]]; then rm -f "$unfinished"; fi
    die "the locked packages could not be installed; uv's output is above."
  fi
  "$uv" pip install --quiet --no-deps --no-build-isolation --python "$venv/bin/python" --editable . ||
    die "the project could not be installed; uv's output is above."
}

choose_stack
is_done && exit
if command -v flock >/dev/null; then
  exec 9<tools/setup.sh
  flock 9
  if is_done; then exit; fi
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
SECONDS=0
echo "set-up: $contents on Python $wanted ($lock), because $reason"
find_python
# Start again after an interruption, or if the folder was moved, since the scripts start an interpreter by its path.
if [[ -e $unfinished || (-f $stamp && $(head -n 1 "$stamp") != "$PWD") ]]; then rm -rf "$venv"; fi
follow_pip
find_uv
if ! has_python; then make_venv; fi
find_compiler
touch "$unfinished"
rm -f "$stamp"
install_packages
fingerprint >"$stamp"
rm -f "$unfinished"
echo "set-up: done in $SECONDS s"
