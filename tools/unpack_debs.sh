#!/usr/bin/env bash
# unpack_debs.sh DEST SUITE PACKAGE...: unpack packages of another Debian suite into DEST. Nothing is installed, and apt's own state and
# sources stay as they are: the mirror and key of the system's Debian entry are used, with lists and downloads in a folder of our own.
set -euo pipefail

dest=$1 suite=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/debs" "$work/root" "$work/sources"

eval "$(apt-config shell parts Dir::Etc::SourceParts/d)"
if [[ ! -r "$parts/debian.sources" ]]; then
    echo "error: no debian.sources here, so no mirror to ask" >&2
    exit 1
fi
awk -v RS= -v suite="$suite" '!/security/ { gsub(/Suites:[^\n]*/, "Suites: " suite); print; exit }' "$parts/debian.sources" > "$work/sources/own.sources"
cat > "$work/apt.conf" <<END
Dir::Etc::SourceList "/dev/null";
Dir::Etc::SourceParts "$work/sources";
Dir::State::Lists "$work/lists";
Dir::Cache "$work/cache";
APT::Sandbox::User "root";
END
export APT_CONFIG="$work/apt.conf"
apt-get update -qq
(cd "$work/debs" && for package in "$@"; do apt-get download -qq "$package"; done)
for deb in "$work"/debs/*.deb; do dpkg -x "$deb" "$work/root"; done
mkdir -p "$(dirname "$dest")"
rm -rf "$dest"
cp -r "$work/root" "$dest"
