"""``python -m auth_service``: the same as the command ``auth``."""

from auth_service.cli import main

main()
