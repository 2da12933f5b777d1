#!/usr/bin/env bash
# Runs a command as on a machine unlike yours: `tools/elsewhere.sh .venv/bin/python -m pytest tests/batch`.
# One core; a user without name, home and privileges; temporary files in a folder with a space in its name, files closed
# to others; ASCII as the locale's encoding, a time zone off the hour; a narrow terminal with colours, a proxy that does
# not answer; and other values of the variables that we set or read.
# It needs user namespaces (`unshare` of util-linux 2.38), and no root.
set -euo pipefail

temporary=$(mktemp -d -t 'a folder.XXXXXX')
trap 'rm -rf "$temporary"' EXIT
umask 077
core=$(taskset --cpu-list --pid $$ | sed 's/.*: //; s/[,-].*//')  # the first of those that may be used
unshare --user true 2>/dev/null ||
  { echo "elsewhere: user namespaces are not allowed here; allow them (sysctl kernel.unprivileged_userns_clone=1, on Ubuntu kernel.apparmor_restrict_unprivileged_userns=0), or run as root" >&2; exit 2; }
unshare --user --map-user=54321 --map-group=54321 \
  env --ignore-environment \
  PATH="$PATH" TMPDIR="$temporary" HOME=/nonexistent \
  LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 TZ=America/St_Johns PYTHONHASHSEED=7 \
  COLUMNS=40 FORCE_COLOR=1 http_proxy=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9 \
  OMP_NUM_THREADS=1 TF_USE_LEGACY_KERAS=0 TF_CPU_ALLOCATOR_USE_BFC=0 ATALAYA_KUBEFLOW_HOST=http://127.0.0.1:9 \
  taskset --cpu-list "$core" "$@"
