"""Does what it is told on standard input with pylibmc or python-memcached.

Each line is a JSON object: op, client, n, and prefix or master. The answer is the
seconds that the operation took, without making the keys.
"""
import json
import sys
import time

import memcache
import pylibmc

VALUE = b"v" * 128


class PylibmcClient:
    """As wheezy.caching makes it: binary protocol, ketama, no delay."""

    def __init__(self, addr):
        self.c = pylibmc.Client([addr], binary=True, behaviors={"ketama": True, "tcp_nodelay": True})

    def incr(self, key, by):
        try:
            return self.c.incr(key, by)
        except pylibmc.NotFound:
            self.c.add(key, 0)
            return self.c.incr(key, by)

    def add_multi(self, values):
        return self.c.add_multi(values, time=600)

    def set_multi(self, values):
        return self.c.set_multi(values, time=600)

    def get_multi(self, keys):
        return self.c.get_multi(keys)

    def get(self, key):
        return self.c.get(key)

    def delete_multi(self, keys):
        return self.c.delete_multi(keys)


class MemcacheClient:
    def __init__(self, addr):
        self.c = memcache.Client([addr], socket_timeout=30)

    def incr(self, key, by):
        n = self.c.incr(key, by)
        if n is None:
            self.c.add(key, 0)
            n = self.c.incr(key, by)
        return n

    def add_multi(self, values):
        for key, value in values.items():
            self.c.add(key, value, time=600)

    def set_multi(self, values):
        return self.c.set_multi(values, time=600)

    def get_multi(self, keys):
        return self.c.get_multi(keys)

    def get(self, key):
        return self.c.get(key)

    def delete_multi(self, keys):
        return self.c.delete_multi(keys)


def wire(c, master, keys):
    last = c.incr(master, len(keys))
    first = last - len(keys) + 1
    c.add_multi({master + str(first + i): key for i, key in enumerate(keys)})


def drop(c, master):
    slots = [master + str(i + 1) for i in range(int(c.get(master)))]
    keys = list(c.get_multi(slots).values())
    c.delete_multi(keys + slots + [master])


def main():
    addr = sys.argv[1]
    clients = {"pylibmc": PylibmcClient(addr), "python-memcached": MemcacheClient(addr)}
    print(json.dumps({"pylibmc": pylibmc.__version__, "python-memcached": memcache.__version__}), flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        c, op = clients[job["client"]], job["op"]
        keys = [job["prefix"] + str(i) for i in range(job["n"])]
        values = {key: VALUE for key in keys}
        master = job["prefix"] + ":"
        began = time.perf_counter()
        if op == "set":
            c.set_multi(values)
        elif op == "get":
            found = len(c.get_multi(keys))
            assert found == len(keys), found
        elif op == "delete":
            c.delete_multi(keys)
        elif op == "wire":
            wire(c, master, keys)
        elif op == "drop":
            drop(c, master)
        took = time.perf_counter() - began
        if op in ("delete", "drop"):
            left = len(c.get_multi(keys))
            assert left == 0, left
        print(json.dumps(took), flush=True)


main()
