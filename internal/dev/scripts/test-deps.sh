#!/usr/bin/env bash
# Installs what the tests need and this machine lacks, through apt-get. Elsewhere it says
# what to install, and fails.
#
#	test-deps.sh            everything
#	test-deps.sh memcached  only that: the names are those of the functions below
set -euo pipefail
cd "$(dirname "$0")/../../.."

# One function for each thing. To add one, write its function, with the packages of
# Debian and a command that succeeds where they are installed, and put it in this list.
all=(compiler memcached redis valkey python prometheus browser)

compiler() { # for the race detector
	need gcc libc6-dev -- compiles_c
}

memcached() {
	need memcached -- command -v memcached
}

redis() {
	need redis-server -- command -v redis-server
}

valkey() { # the second server of the driver for both
	if [ -n "$(debian_release)" ]; then
		need valkey-server -- command -v valkey-server
	else
		want valkey-server -- command -v valkey-server
	fi
}

python() { # the clients that the memcached drivers share servers with
	# The packages belong to Debian's Python, whatever python3 is on the path.
	need python3-pylibmc -- /usr/bin/python3 -c 'import pylibmc'
	need python3-memcache -- /usr/bin/python3 -c 'import memcache'
}

prometheus() { # promtool, for the rules of hooks/promhook, and the server for make demo-metrics
	need prometheus -- has_all_of prometheus promtool
}

browser() { # for the test of the demo, which is skipped without
	want chromium -- has_one_of chromium chromium-browser google-chrome
}

# debian_release prints the name of the release of Debian, or nothing on another system.
debian_release() {
	# shellcheck source=/dev/null
	(. /etc/os-release && [ "$ID" = debian ] && echo "$VERSION_CODENAME") 2>/dev/null || true
}

compiles_c() {
	# CC may carry flags, so it is split into words on purpose.
	# shellcheck disable=SC2046
	echo '#include <stdlib.h>' | $(go env CC) -fsyntax-only -x c -
}

has_all_of() {
	local name
	for name in "$@"; do
		command -v "$name" || return
	done
}

has_one_of() {
	local name
	for name in "$@"; do
		command -v "$name" && return
	done
	return 1
}

# need PACKAGES... -- COMMAND...: the tests fail without the packages.
# want PACKAGES... -- COMMAND...: some tests are skipped without them.
needed=()
wanted=()
need() { missing needed "$@"; }
want() { missing wanted "$@"; }

missing() { # LIST PACKAGES... -- COMMAND...: adds the packages to the list if COMMAND fails
	local -n list=$1
	shift
	local packages=()
	while [ "$1" != -- ]; do
		packages+=("$1")
		shift
	done
	shift
	"$@" >/dev/null 2>&1 || list+=("${packages[@]}")
}

if [ $# -eq 0 ]; then
	set -- "${all[@]}"
fi
for thing in "$@"; do
	if [[ " ${all[*]} " != *" $thing "* ]]; then
		echo "test-deps.sh: unknown name $thing; known: ${all[*]}" >&2
		exit 1
	fi
	"$thing"
done
if [ $((${#needed[@]} + ${#wanted[@]})) -eq 0 ]; then
	exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
	as_root=(sudo)
fi
if ! command -v apt-get >/dev/null || { [ ${#as_root[@]} -gt 0 ] && ! command -v sudo >/dev/null; }; then
	cat >&2 <<-EOF
		The tests need something that is not installed, and installing it takes apt-get,
		as root or with sudo. On Debian and Ubuntu:

		    apt-get install ${needed[*]} ${wanted[*]}

		Elsewhere, what your system calls these packages: gcc and libc6-dev are a C
		compiler and its library, memcached is the server, 1.6 or later, redis-server and
		valkey-server are the servers, 7.0 and 7.2 or later,
		python3-pylibmc and python3-memcache are the modules pylibmc and memcache
		(python-memcached) for /usr/bin/python3, and prometheus has the commands
		prometheus and promtool. Without chromium or valkey-server, some tests are skipped.
	EOF
	[ ${#needed[@]} -eq 0 ]
	exit
fi

apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120)
install() { # PACKAGES...
	echo "installing for the tests: $*"
	${as_root[@]+"${as_root[@]}"} "${apt[@]}" install --no-install-recommends "$@" </dev/null
}

# Debian 12 has valkey-server in its backports. They are a source for this run only.
if [[ " ${needed[*]} " == *" valkey-server "* && $(debian_release) = bookworm ]]; then
	parts=$(mktemp -d)
	trap 'rm -rf "$parts"' EXIT
	chmod 755 "$parts"
	find /etc/apt/sources.list.d -name '*.list' -o -name '*.sources' | xargs -r cp -t "$parts"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm-backports main" \
		>"$parts/bookworm-backports.list"
	apt+=(-o "Dir::Etc::SourceParts=$parts")
fi

# A package list that could not be refreshed may still do, so the install decides.
${as_root[@]+"${as_root[@]}"} "${apt[@]}" update </dev/null ||
	echo "apt-get update failed; trying with the package lists that are here" >&2
if [ ${#needed[@]} -gt 0 ]; then
	install "${needed[@]}"
fi
for package in ${wanted[@]+"${wanted[@]}"}; do
	install "$package" || echo "NOT INSTALLED: $package; the tests that need it are skipped" >&2
done
