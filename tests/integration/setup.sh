#!/usr/bin/env bash
# What the integration tests use beyond packages of Python. Where it cannot be had, those tests skip and say so.
set -u
if ! command -v initdb >/dev/null && ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "installing PostgreSQL for the catalog's tests" >&2
        { apt-get install -qq -y postgresql || { apt-get update -qq && apt-get install -qq -y postgresql; }; } \
            >/dev/null 2>&1 </dev/null || echo "PostgreSQL is not to be had: its tests will skip" >&2
    else
        echo "no PostgreSQL, and no way to install it: its tests will skip" >&2
    fi
fi
