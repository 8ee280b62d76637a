"""The Python side of the tests. Arguments, in JSON: the servers and the behaviors of a
pylibmc client, the name of a function below, its arguments. Prints the result in JSON."""

import json
import sys
import time

import pylibmc

servers, behaviors, function, args = map(json.loads, sys.argv[1:])
# As wheezy.caching sets it up.
mc = pylibmc.Client(servers, binary=True, behaviors={"tcp_nodelay": True, **behaviors})


def set_texts(values):
    for key, value in values.items():
        assert mc.set(key, value), key


def get_texts(keys):
    return mc.get_multi(keys)


def set_kinds():
    assert mc.set("bytes", b"\x00\xff\r\n")
    assert mc.set("empty", b"")
    assert mc.set("text", "жук")
    assert mc.set("int", 42)
    assert mc.set("negative", -5)
    assert mc.set("huge", 2**70)
    assert mc.set("counter", 10) and mc.decr("counter") == 9
    assert mc.set("zipped", "ж" * 5000, min_compress_len=1)
    assert mc.set("object", ["a", "list"])
    assert mc.set("second", b"", 1)


def get_kinds(keys):
    def kind(value):
        return "%s %r" % (type(value).__name__, value)

    return {key: kind(mc.get(key)) for key in keys}


def wait_until_gone(key):
    deadline = time.monotonic() + 20
    while mc.get(key) is not None:
        assert time.monotonic() < deadline, key
        time.sleep(0.01)


def count(key, delta):
    """As wheezy.caching's increment with an initial value of 0."""
    try:
        return mc.incr(key, delta)
    except pylibmc.NotFound:
        mc.add(key, 0)
        return mc.incr(key, delta)


def wire(master, keys):
    """As wheezy.caching's CacheDependency.add_multi."""
    last = count(master, len(keys))
    for number, key in enumerate(keys, last - len(keys) + 1):
        assert mc.add(master + str(number), key, 600)


def wired(master):
    slots = [master + str(number + 1) for number in range(mc.get(master) or 0)]
    return list(mc.get_multi(slots).values()), slots


def delete(master):
    """As wheezy.caching's CacheDependency.delete."""
    keys, slots = wired(master)
    mc.delete_multi(keys + slots + [master])


print(json.dumps(globals()[function](*args)))
