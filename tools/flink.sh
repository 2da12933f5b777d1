#!/usr/bin/env bash
# Fetches a standalone Flink cluster and Beam's job server for it into $FLINK (~/.cache/atalaya/flink), once.
# Flink's scripts and jars come as Python packages, the job server's jars from Maven's repository; all are checked
# against pinned hashes (tools/flink.txt, tools/flink.sha256). pip and Maven use the indexes and mirrors that they are configured for.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools=$PWD/tools
target=${FLINK:-$HOME/.cache/atalaya/flink}
pins=$(cat "$tools"/flink.{sh,txt,pom,sha256} | sha256sum)

die() { echo "flink: $*" >&2; exit 1; }

[[ -f $target/complete && $(<"$target/complete") == "$pins" ]] && exit
for program in java mvn; do
  command -v $program >/dev/null || die "$program is not installed (Debian: apt install openjdk-17-jre-headless maven)"
done
mkdir -p "$target"
scratch=$(mktemp -d "$target/.new-XXXXXX")
trap 'rm -rf "$scratch"' EXIT

echo "flink: fetching Flink"
# The wheel is but an archive of Flink's scripts here, so that of one Python does for all.
.venv/bin/python -m pip download --quiet --disable-pip-version-check --no-deps --no-build-isolation --require-hashes \
  --python-version 3.10 --dest "$scratch/packages" --requirement "$tools/flink.txt" || die "pip could not fetch Flink's packages"
mkdir "$scratch/flink"
.venv/bin/python -m zipfile -e "$scratch"/packages/apache_flink-*.whl "$scratch/wheel"
mv "$scratch"/wheel/pyflink/{bin,conf} "$scratch/flink/"
chmod +x "$scratch"/flink/bin/*.sh  # zip files carry no permissions here
tar -xzf "$scratch"/packages/apache-flink-libraries-*.tar.gz -C "$scratch"
mv "$scratch"/apache-flink-libraries-*/deps/{lib,plugins} "$scratch/flink/"
mv "$scratch"/apache-flink-libraries-*/deps/bin/*.jar "$scratch/flink/bin/"

echo "flink: fetching Beam's job server"
mvn --quiet --batch-mode --strict-checksums --file "$tools/flink.pom" dependency:copy-dependencies \
  -DoutputDirectory="$scratch/job-server" >"$scratch/log" || { cat "$scratch/log" >&2; die "Maven could not fetch it"; }
(cd "$scratch/job-server" && sha256sum --quiet --strict --check "$tools/flink.sha256") ||
  die "the job server's jars are not those of tools/flink.sha256"

rm -rf "$target"/{flink,job-server,complete}
mv "$scratch"/{flink,job-server} "$target/"
echo "$pins" >"$target/complete"
echo "flink: ready in $target"
