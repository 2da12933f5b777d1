#!/usr/bin/env bash
# Runs a command in a clone of HEAD in a new root of another Debian release, so that one machine can test both stacks:
# trixie (glibc 2.41) uses Python 3.13 with TFX 1.21, bookworm (glibc 2.36) Python 3.10 with TFX 1.16.
#   usage, as root: tools/in-debian.sh trixie|bookworm [COMMAND]     default command: make run && make test
# It needs debootstrap and a Debian mirror (set MIRROR to choose one). The root is kept in ~/.cache/atalaya/RELEASE, with
# the package cache; the clone is created again each time. bookworm has no Python 3.10, so uv downloads it.
# pip's index, the proxies, ATALAYA_* and TZ are passed on from the environment (with sudo: sudo --preserve-env).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

release=${1:-}
command=${2:-make run && make test}
die() { echo "in-debian: $*" >&2; exit 2; }
case $release in
  trixie) packages=python3,python3-venv,python3-dev ;;
  bookworm) packages=python3,python3-venv ;;
  *) die "expected the release trixie or bookworm, got '$release'; give it as make test-debian RELEASE=trixie" ;;
esac
[[ $EUID == 0 ]] || die "it creates a root file system, so it has to run as root (sudo)"
command -v debootstrap >/dev/null || die "debootstrap is not installed (apt-get install debootstrap)"

root=$HOME/.cache/atalaya/$release
if [[ ! -e $root/.complete ]]; then
  rm -rf "$root"
  mkdir -p "$root"
  debootstrap --variant=minbase --include="$packages,ca-certificates,g++,git,make,procps" "$release" "$root" ${MIRROR:+"$MIRROR"}
  touch "$root/.complete"
fi

# Use the host names and certificates of this machine, and through their variables pip's index and the proxies.
cp -L /etc/hosts /etc/resolv.conf "$root/etc/"
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
rm -rf "$root/srv/atalaya"
git clone --quiet --no-hardlinks . "$root/srv/atalaya"
environment=(HOME=/root LANG=C.UTF-8 TERM=dumb PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
environment+=(SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt PIP_CERT=/etc/ssl/certs/ca-certificates.crt)
while IFS= read -r variable; do environment+=("$variable"); done < <(env | grep -iE '^(PIP_(EXTRA_)?INDEX_URL|(https?|no)_proxy|ATALAYA_[A-Z]+|TZ)=')

# The mounts are in a namespace, and are removed with it.
export root
unshare --mount bash -euo pipefail -c '
  mount --make-rprivate /
  mount --bind /proc "$root/proc"
  mount --rbind /sys "$root/sys"
  mount --rbind /dev "$root/dev"
  exec env -i "${@:1}" chroot "$root" bash -c "cd /srv/atalaya && $0"
' "$command" "${environment[@]}"
