"""The command ``catalog``."""

from servicekit.cli import service_cli

main = service_cli("catalog_service")
