#!/bin/sh
# lock.sh: resolve the dependencies for every supported Python at once and write the two locks.
# The locks hold names, versions and hashes and no address, so that any package index serves them. uv is a maintainer's tool.
set -eu
cd "$(dirname "$0")/.."

uv=$(command -v uv || true)
if [ -x .venv/bin/uv ]; then uv=.venv/bin/uv; fi
if [ -z "$uv" ]; then
    echo "error: uv is not here" >&2
    echo "  fix  .venv/bin/pip install uv" >&2
    exit 1
fi
export_lock() {
    lock=$1
    shift
    "$uv" export --quiet --no-header --no-emit-project --no-annotate --format requirements-txt "$@" --output-file "$lock" >/dev/null
    echo "$lock  $(grep -c '^[a-zA-Z0-9]' "$lock") packages"
}
export_lock requirements.lock --extra build
export_lock requirements-dev.lock --extra build --extra dev
