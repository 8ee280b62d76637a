"""The Python side of the tests. Arguments, in JSON: the name of a client, its servers, its
behaviors, the name of a function below, and its arguments. Prints the result in JSON."""

import json
import sys
import time

import memcache
import pylibmc

kind, servers, behaviors, function, args = map(json.loads, sys.argv[1:])


def weighted(server):
    parts = server.rsplit(":", 2) if server.count(":") > 1 else [server]
    return (":".join(parts[:2]), int(parts[2])) if len(parts) == 3 else server


if kind == "pylibmc":  # as wheezy.caching sets it up
    c = pylibmc.Client(servers, binary=True, behaviors={"tcp_nodelay": True, **behaviors})
else:
    c = memcache.Client([weighted(s) for s in servers], debug=1, dead_retry=0)


def must(ok):
    if not ok:
        raise SystemExit("%s: %r" % (function, ok))


def set_texts(values):
    for key, value in values.items():
        must(c.set(key, value))


def get_texts(keys):
    return c.get_multi(keys)


def set_kinds():
    for key, value in {
        "bytes": b"\x00\xff\r\n", "empty": b"", "text": "жук", "number": 42, "negative": -5, "huge": 2 ** 70,
        "counter": 10, "large": "x" * 200000, "object": [1, 2],
    }.items():
        must(c.set(key, value))
    must(c.decr("counter", 1) == 9)
    must(c.set("zipped", "ж" * 5000, min_compress_len=1))
    must(c.set("second", "x", 1))
    must(c.set("month", "31 days", 30 * 24 * 60 * 60))


def get_kinds(keys):
    return {key: "%s %r" % (type(value).__name__, value) for key, value in ((k, c.get(k)) for k in keys)}


def wait_until_gone(key):
    deadline = time.monotonic() + 20
    while c.get(key) is not None:
        must(time.monotonic() < deadline)
        time.sleep(0.01)


def count(key, delta):
    """As wheezy.caching's increment with an initial value of 0."""
    try:
        n = c.incr(key, delta)
    except pylibmc.NotFound:
        n = None
    if n is None:
        c.add(key, 0)
        n = c.incr(key, delta)
    return n


def wire(master, keys):
    """As wheezy.caching's CacheDependency.add_multi."""
    last = count(master, len(keys))
    for number, key in enumerate(keys, last - len(keys) + 1):
        must(c.add(master + str(number), key, 600))


def wired(master):
    slots = [master + str(number + 1) for number in range(c.get(master) or 0)]
    return list(c.get_multi(slots).values()), slots


def delete(master):
    """As wheezy.caching's CacheDependency.delete."""
    keys, slots = wired(master)
    c.delete_multi(keys + slots + [master])


print(json.dumps(globals()[function](*args)))
