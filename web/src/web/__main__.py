"""``python -m web`` is the command ``web``."""

from web.cli import main

main()
