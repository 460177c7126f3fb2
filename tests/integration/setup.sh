#!/usr/bin/env bash
# What the integration tests use beyond packages of Python. Where it cannot be had, those tests skip or take the
# slower way, and say so.
set -u
have() { compgen -G "$1" >/dev/null; }
missing=()
command -v initdb >/dev/null || have '/usr/lib/postgresql/*/bin/initdb' || missing+=(postgresql)
# rendering: LLVM 15 and older do not do; without one the scalar ray tracer draws
have '/usr/lib*/*/libLLVM*1[6-9]*' || have '/usr/lib*/*/libLLVM*2[0-9]*' || missing+=(libllvm19)
# Pillow shapes Arabic and Devanagari with it; the fonts themselves are the extra `fonts`
have '/usr/lib/*/libfribidi.so.0' || missing+=(libfribidi0)
[ "${#missing[@]}" = 0 ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "not here, and no way to install it: ${missing[*]}; what needs it skips or is slower" >&2
    exit 0
fi
fresh=
for package in "${missing[@]}"; do
    echo "installing $package for the tests" >&2
    apt-get install -qq -y --no-install-recommends "$package" >/dev/null 2>&1 </dev/null && continue
    [ -n "$fresh" ] || apt-get update -qq >/dev/null 2>&1 </dev/null
    fresh=1
    apt-get install -qq -y --no-install-recommends "$package" >/dev/null 2>&1 </dev/null ||
        echo "$package is not to be had: what needs it skips or is slower" >&2
done
