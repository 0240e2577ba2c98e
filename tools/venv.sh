#!/bin/sh
# venv.sh run|dev: make .venv ready for running or for developing. Finds a Python that works, then lets venv.py do it.
set -eu
cd "$(dirname "$0")/.."

# A candidate counts only if it *runs*: a version manager's shim can be on PATH and fail.
works() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1
}

if [ -n "${PYTHON:-}" ]; then
    works "$PYTHON" || {
        echo "error: PYTHON=$PYTHON is not a Python 3.11, 3.12 or 3.13 that runs" >&2
        exit 1
    }
    exec "$PYTHON" tools/venv.py "$1" --chosen
fi
# A venv that works is kept, whatever else is installed by now. The link may point at a Python that is gone.
for candidate in .venv/bin/python python3.13 python3.12 python3.11 python3 python; do
    works "$candidate" && exec "$candidate" tools/venv.py "$1"
done
echo "error: no Python 3.11, 3.12 or 3.13 found" >&2
echo "  why  tried python3.13 python3.12 python3.11 python3 python on PATH; none of them runs and has such a version" >&2
echo "  fix  install one (Debian: apt-get install python3 python3-venv), or name it: make PYTHON=/path/to/python3" >&2
exit 1
