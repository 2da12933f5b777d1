#!/usr/bin/env bash
# Runs a command under the conditions of another machine: `tools/elsewhere.sh .venv/bin/python -m pytest tests/batch`.
# These are: one core; a user without a name, a home or privileges; temporary files in a folder with a space in its name,
# and files that only the user can read; a locale with ASCII encoding, and a time zone that is not a whole number of hours
# from UTC; a narrow terminal with colours; a proxy that does not answer; and different values of the variables that
# Atalaya sets or reads. It needs user namespaces (`unshare` of util-linux 2.38), but not root.
set -euo pipefail

temporary=$(mktemp -d -t 'a folder.XXXXXX')
trap 'rm -rf "$temporary"' EXIT
umask 077
core=$(taskset --cpu-list --pid $$ | sed 's/.*: //; s/[,-].*//')  # the first allowed core
unshare --user true 2>/dev/null ||
  { echo "elsewhere: user namespaces are not allowed here; allow them (sysctl kernel.unprivileged_userns_clone=1, on Ubuntu kernel.apparmor_restrict_unprivileged_userns=0), or run as root" >&2; exit 2; }
unshare --user --map-user=54321 --map-group=54321 \
  env --ignore-environment \
  PATH="$PATH" TMPDIR="$temporary" HOME=/nonexistent \
  LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 TZ=America/St_Johns PYTHONHASHSEED=7 \
  COLUMNS=40 FORCE_COLOR=1 http_proxy=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9 \
  OMP_NUM_THREADS=1 TF_USE_LEGACY_KERAS=0 TF_CPU_ALLOCATOR_USE_BFC=0 ATALAYA_KUBEFLOW_HOST=http://127.0.0.1:9 \
  taskset --cpu-list "$core" "$@"
