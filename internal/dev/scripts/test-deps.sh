#!/usr/bin/env bash
# Installs what the tests need and this machine lacks: a C compiler for the race
# detector; and, when the memcached drivers are here, memcached and the two
# Python clients that the drivers are tested against. With --memcached-only just
# the server, which is all that the demo on a cluster needs.
#
# It installs through apt-get. Elsewhere it says what to install and fails.
set -euo pipefail
cd "$(dirname "$0")/../../.."

missing=()

need() { # need PACKAGES... -- COMMAND...: PACKAGES are missing if COMMAND fails
	local packages=()
	while [ "$1" != -- ]; do
		packages+=("$1")
		shift
	done
	shift
	"$@" >/dev/null 2>&1 || missing+=("${packages[@]}")
}

c_compiler() {
	# CC may carry flags, so it is split into words on purpose.
	# shellcheck disable=SC2046
	echo '#include <stdlib.h>' | $(go env CC) -fsyntax-only -x c -
}

if [ "${1:-}" != --memcached-only ]; then
	need gcc libc6-dev -- c_compiler
fi
if compgen -G 'drivers/*/go.mod' >/dev/null; then
	need memcached -- command -v memcached
	if [ "${1:-}" != --memcached-only ]; then
		# The packages belong to Debian's Python, whatever python3 is on the path.
		need python3-pylibmc -- /usr/bin/python3 -c 'import pylibmc'
		need python3-memcache -- /usr/bin/python3 -c 'import memcache'
	fi
fi

if [ ${#missing[@]} -eq 0 ]; then
	exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
	as_root=(sudo)
fi
if ! command -v apt-get >/dev/null || { [ ${#as_root[@]} -gt 0 ] && ! command -v sudo >/dev/null; }; then
	cat >&2 <<-EOF
		Something that the tests need is missing, and installing it takes apt-get, as
		root or with sudo. On Debian and Ubuntu:

		    apt-get install ${missing[*]}

		Elsewhere, what your system calls these packages: gcc and libc6-dev are a C
		compiler with its library, for the race detector; memcached is the server, 1.6
		or later, on the path; python3-pylibmc and python3-memcache are the Python
		modules pylibmc and memcache (python-memcached) for /usr/bin/python3.
	EOF
	exit 1
fi

echo "installing for the tests: ${missing[*]}"
apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120)
# A package list that could not be refreshed may still do, so the install decides.
${as_root[@]+"${as_root[@]}"} "${apt[@]}" update </dev/null ||
	echo "apt-get update failed; trying with the package lists that are here" >&2
${as_root[@]+"${as_root[@]}"} "${apt[@]}" install --no-install-recommends "${missing[@]}" </dev/null
