"""How a bench hands its ratios on to the report: a line of JSON for each, in the file that ``BENCH_FIGURES`` names."""

import json
import os
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path


def tell(bench: str, what: str, values: Sequence[float], unit: str, better: str = "higher") -> None:
    """One figure, its value in each round: printed with the median and how far they spread, and kept for the report."""
    median, low, high = statistics.median(values), min(values), max(values)
    sys.stdout.write(f"{bench}: {what}: {median:.4g} {unit} ({low:.4g} to {high:.4g})\n")
    sys.stdout.flush()
    kept = os.environ.get("BENCH_FIGURES")
    if kept:
        line = {"bench": bench, "what": what, "unit": unit, "median": median, "low": low, "high": high}
        with Path(kept).open("a") as file:
            file.write(json.dumps(line | {"rounds": len(values), "better": better}) + "\n")
