"""What the tests do from the side of Python: arguments are the name of a client, its
servers, a command and the command's arguments, all but the first and third in JSON. The
result is printed in JSON."""

import json
import sys
import time

import memcache
import pylibmc

kind, servers, command, args = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3], json.loads(sys.argv[4]) or []


def weighted(server):
    parts = server.rsplit(":", 2) if server.count(":") > 1 else [server]
    return (":".join(parts[:2]), int(parts[2])) if len(parts) == 3 else server


if kind == "pylibmc":
    # Without a ring and with this hash it finds keys where python-memcached does.
    c = pylibmc.Client(servers, binary=True, behaviors={"hash": "crc"})
else:
    c = memcache.Client([weighted(s) for s in servers], debug=1, dead_retry=0)


def must(ok):
    if not ok:
        raise SystemExit("%s: %r" % (command, ok))


def describe(value):
    return {"Type": type(value).__name__, "Repr": repr(value)}


def read(keys):
    found = c.get_multi(keys)
    for key in keys:
        assert found.get(key) == c.get(key), key
    return {key: describe(found.get(key)) for key in keys}


def store(values):
    for key, value in values.items():
        must(c.set(key, value))


def write():
    store({
        "bytes": b"\x00\xff\r\n", "empty": b"", "text": "жук", "number": 42, "negative": -5, "huge": 2 ** 70,
        "counter": 10, "large": "x" * 200000, "pickled": [1, 2],
    })
    must(c.decr("counter", 1) == 9)
    must(c.set("compressed", "ж" * 5000, min_compress_len=1))
    must(c.set("compressed-bytes", b"9" * 5000, min_compress_len=1))
    must(c.set("second", "x", 1))
    must(c.set("long", "long", 30 * 24 * 60 * 60))


def wait_until_gone(key):
    end = time.monotonic() + 20
    while c.get(key) is not None:
        must(time.monotonic() < end)
        time.sleep(0.01)


def incr(key, delta):
    try:
        return c.incr(key, delta)
    except pylibmc.NotFound:
        return None


def count(key, delta):
    """Increments a counter that begins at 0 if it is absent."""
    n = incr(key, delta)
    if n is None:
        c.add(key, 0)
        n = incr(key, delta)
    return n


def wire(master, keys):
    """Takes as many numbers from the master as there are keys, and puts each key under
    its number."""
    last = count(master, len(keys))
    for i, key in enumerate(keys):
        must(c.add(master + str(last - len(keys) + 1 + i), key, 600))


def slots(master):
    return [master + str(i + 1) for i in range(c.get(master) or 0)]


def wired(master):
    keys = list(c.get_multi(slots(master)).values())
    assert all(isinstance(key, str) for key in keys), keys
    return keys


def unwire(master):
    c.delete_multi(slots(master) + wired(master) + [master])


result = globals()[command](*args)
print(json.dumps(result))
