"""``python -m catalog_service``."""

from catalog_service.cli import main

main()
