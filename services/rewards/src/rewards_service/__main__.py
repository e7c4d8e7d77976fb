"""``python -m rewards_service``: the same commands as ``rewards``."""

from rewards_service.cli import main

main()
