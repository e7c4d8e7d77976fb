"""Free ports on loopback, and whether a given one is free."""

import random
import socket

# Below 32768, where the kernel takes outgoing ports from: a part finds its port free again at a restart.
_RANGE = range(20000, 32000)


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        return _bind(probe, host, port)


def free_ports(count: int) -> list[int]:
    """`count` different free ports, kept for this process until it ends.

    What keeps a port is a socket that is bound and does not listen: our own servers still get in, as they set
    SO_REUSEADDR, and another stack that starts at the same time does not.
    """
    found: list[int] = []
    for port in random.sample(_RANGE, len(_RANGE)):
        probe = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            probe.close()
            continue
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.detach()  # the descriptor stays open until this process ends
        found.append(port)
        if len(found) == count:
            return found
    raise OSError(f"no {count} free ports between {_RANGE.start} and {_RANGE.stop}")


def _bind(probe: socket.socket, host: str, port: int) -> bool:
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: old connections in TIME_WAIT are fine
    try:
        probe.bind((host, port))
    except OSError:
        return False
    return True
