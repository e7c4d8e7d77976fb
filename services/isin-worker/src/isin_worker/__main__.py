"""``python -m isin_worker``: the same as the command ``isin-worker``."""

from isin_worker.cli import main

main()
