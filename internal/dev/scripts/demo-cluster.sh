#!/usr/bin/env bash
# Starts three memcached servers on free ports of this machine, runs the demo on
# them through both drivers, and stops them. Arguments go to the demo.
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

echo "The demo on three memcached servers, started for it, once through each driver. The drivers
place keys differently, so each of them begins with an empty cache."

for driver in gomemcache ketama; do
	echo
	echo "== through $driver: $hosts"
	make --no-print-directory demo DSN="$driver://$hosts" ARGS="$*"
done
