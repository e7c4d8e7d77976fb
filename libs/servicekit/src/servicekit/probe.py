"""``python -m servicekit.probe``: ends with 0 when the service in this container is ready. For the image's HEALTHCHECK.

Only the standard library, and little of it: it runs every few seconds beside each service.
"""

import http.client
import sys

PORT = 8000
SECONDS = 4.0


def is_ready(port: int) -> bool:
    """Whether what listens on this port of this machine says that it can do its work."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if is_ready(int(sys.argv[1]) if len(sys.argv) > 1 else PORT) else 1)
