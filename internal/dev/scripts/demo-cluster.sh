#!/usr/bin/env bash
# Starts three memcached servers on free ports of this machine, and a Valkey server where one
# is installed, runs the demo on them through each driver, and stops them. Arguments go to
# the demo.
set -euo pipefail
cd "$(dirname "$0")/../../.."

dir=$(mktemp -d)
pids=()
stop() {
	# One that ended by itself needs no stopping.
	for pid in ${pids[@]+"${pids[@]}"}; do
		kill "$pid" 2>/dev/null || true
	done
	wait
	rm -rf "$dir"
}
trap stop EXIT

user=()
if [ "$(id -u)" -eq 0 ]; then
	user=(-u root) # memcached wants to be told which user, when started as root
fi

for i in 1 2 3; do
	# Port -1 is any free one, which the server writes to the file.
	MEMCACHED_PORT_FILENAME=$dir/$i memcached ${user[@]+"${user[@]}"} -l 127.0.0.1 -p -1 -U 0 -m 256 &
	pids+=($!)
done

servers=()
for i in 1 2 3; do
	for _ in $(seq 100); do
		[ -s "$dir/$i" ] && break
		sleep 0.1
	done
	port=$(sed -n 's/^TCP INET: //p' "$dir/$i")
	[ -n "$port" ] || { echo "memcached did not start" >&2; exit 1; }
	servers+=("127.0.0.1:$port")
done
hosts=$(IFS=,; echo "${servers[*]}")

echo "The demo on three memcached servers, started for it, once through each driver. Each
run begins with an empty cache."

# A busy machine, such as one of CI, may take longer than the usual timeout of 500 ms.
for driver in gomemcache ketama memcached; do
	echo
	echo "== through $driver: $hosts"
	make --no-print-directory demo DSN="$driver://$hosts?timeout=5s" ARGS="$*"
done

if ! command -v valkey-server >/dev/null; then
	echo
	echo "valkey-server is not installed: the driver for it is left out"
	exit
fi
# A socket needs no free port.
valkey-server --port 0 --unixsocket "$dir/valkey" --save "" --dir "$dir" --logfile "$dir/valkey.log" &
pids+=($!)
for _ in $(seq 100); do
	[ -S "$dir/valkey" ] && break
	sleep 0.1
done
[ -S "$dir/valkey" ] || { echo "valkey-server did not start" >&2; exit 1; }

echo
echo "== through valkey: a Valkey server, started for it"
make --no-print-directory demo DSN="valkey://$dir/valkey?timeout=5s" ARGS="$*"
