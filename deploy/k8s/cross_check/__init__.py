"""What no schema sees: whether the manifests fit each other, and the programs that they start.

Each module is one family of faults, and has one function ``faults(cluster)`` that yields a line for each it finds.
"""

from collections.abc import Iterator

from cross_check import capacity, confinement, lifetimes, programs, traffic, wiring
from cross_check.cluster import Cluster

FAMILIES = (wiring, lifetimes, confinement, programs, traffic, capacity)


def faults(cluster: Cluster) -> Iterator[str]:
    """Every fault of all families."""
    for family in FAMILIES:
        yield from family.faults(cluster)
