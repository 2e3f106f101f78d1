"""The lab's bridge, address range and packet rules.

The engine itself sets no packet rule (``iptables: false``): it would flush the chains of the user's
own engine, which have the same names. Two rules of ours give its containers the way out; published
ports go through docker-proxy, as on every engine where the client is on the loopback address.
"""

import ipaddress
import json
import re
import subprocess

from tests.lab.place import LabError, Place

_Network = ipaddress.IPv4Network


def run(*command: str) -> str:
    """Standard output of a command. Raises ``LabError`` with its standard error."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def create(place: Place) -> _Network:
    """Makes bridge and rules. Returns the /16 of all the lab's networks, the bridge's included."""
    pool = _free_pool(int(place.name[-2:], 16))
    bridge = next(pool.subnets(new_prefix=24))
    run("ip", "link", "add", place.name, "type", "bridge")
    run("ip", "address", "add", f"{bridge[1]}/24", "dev", place.name)
    run("ip", "link", "set", place.name, "up")
    for rule in _rules(place, pool):
        run("iptables", "--wait", *rule)
    return pool


def _rules(place: Place, pool: _Network) -> list[list[str]]:
    ours = f"-m comment --comment {place.name}"
    rules = [
        f"-t nat -A POSTROUTING -s {pool} ! -d {pool} {ours} -j MASQUERADE",
        f"-t filter -I FORWARD -s {pool} {ours} -j ACCEPT",
        f"-t filter -I FORWARD -d {pool} {ours} -j ACCEPT",
    ]
    return [rule.split() for rule in rules]


def _free_pool(first: int) -> _Network:
    """A private /16 that overlaps no route of the machine."""
    taken = [
        ipaddress.ip_network(route["dst"])
        for route in json.loads(run("ip", "-json", "-4", "route", "show", "table", "all"))
        if route["dst"] != "default"
    ]
    for step in range(256):
        pool = _Network(f"10.{(first + step) % 256}.0.0/16")
        if not any(pool.overlaps(network) for network in taken):
            return pool
    raise LabError("No free /16 below 10.0.0.0/8 for the lab's networks.")


def remove(place: Place) -> None:
    """Takes away the rules and bridges of a lab whose engine no longer runs, however it ended."""
    for table in ("nat", "filter"):
        for line in run("iptables-save", "-t", table).splitlines():
            if line.startswith("-A ") and re.search(rf"--comment {place.name}\b", line):
                run("iptables", "--wait", "-t", table, "-D", *line.split()[1:])
    present = {link["ifname"] for link in json.loads(run("ip", "-json", "link", "show"))}
    for bridge in present & {place.name, *_engine_bridges(place)}:
        run("ip", "link", "delete", bridge)


def _engine_bridges(place: Place) -> set[str]:
    """Bridges the engine made for networks: its store names each by the network's id.

    The store is not opened but searched, since an engine that was killed may have left it torn.
    """
    store = place.data / "network/files/local-kv.db"
    content = store.read_bytes() if store.exists() else b""
    return {f"br-{match.decode()[:12]}" for match in re.findall(rb"bridge/([0-9a-f]{64})", content)}
