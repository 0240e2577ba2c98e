#!/bin/sh
# servers.sh: install the servers that tests use, where that can be done unasked: on Debian, as root. Doing it twice does no harm.
# Emulators and terraform are found, not installed; a test whose server is absent says so.
set -eu

missing=""
command -v nats-server >/dev/null 2>&1 || missing="$missing nats-server"
if ! command -v initdb >/dev/null 2>&1 && ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
    missing="$missing postgresql"
fi
if [ -z "$missing" ]; then
    echo "test servers: all here"
elif [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "test servers: installing$missing"
    # A server of ours must not start by itself on its default port.
    export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
    apt-get update -qq
    # shellcheck disable=SC2086  # a list of words
    apt-get install -qq -y --no-install-recommends $missing >/dev/null
else
    echo "test servers: not here:$missing"
    echo "  fix  Debian and Ubuntu, as root: apt-get install$missing   (elsewhere: the packages of these names)"
    echo "  Without them their tests are skipped with that reason; with BITBRAT_TEST_REQUIRE they fail."
fi

# A second nats-server, 2.10 or newer, beside the system's, in a folder that git ignores.
newer=.tools/nats-new
usual=$(command -v nats-server 2>/dev/null && nats-server --version 2>/dev/null || true)
case "$usual" in
    *v2.[0-9].*|"")
        if [ -x "$newer/usr/sbin/nats-server" ]; then
            echo "test servers: $newer is here"
        elif command -v apt-get >/dev/null 2>&1 && command -v bash >/dev/null 2>&1; then
            echo "test servers: fetching a newer nats-server into $newer"
            bash tools/unpack_debs.sh "$newer" trixie nats-server || echo "test servers: no newer nats-server; name one by BITBRAT_TEST_NATS_NEW"
        else
            echo "test servers: no nats-server of 2.10 or newer; name one by BITBRAT_TEST_NATS_NEW"
        fi
        ;;
esac
