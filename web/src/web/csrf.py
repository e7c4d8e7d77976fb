"""Only our own pages may send forms: a token that belongs to the browser's cookie, and where the request says it comes
from. Two checks, as each covers for the other's gaps (old browsers, leaked pages).
"""

import hmac
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from web.sealing import subkey

FIELD = "csrf_token"


class Csrf:
    """Makes and checks the token of a form, which is a signature of the cookie's id: nothing has to be stored."""

    def __init__(self, secret: str, public_url: str | None) -> None:
        self._key = subkey(secret, "web form token")
        self._host = urlsplit(public_url).netloc if public_url else None

    def token(self, cookie_id: str) -> str:
        """The token for the forms of the browser that has this cookie."""
        return hmac.digest(self._key, cookie_id.encode(), "sha256").hex()

    def is_token(self, cookie_id: str, sent: str) -> bool:
        """Whether ``sent`` is that token, compared in constant time."""
        return hmac.compare_digest(self.token(cookie_id).encode(), sent.encode(errors="replace"))

    def is_own_page(self, headers: Headers) -> bool:
        """Whether the request comes from a page of ours, as far as the browser tells (Fetch Metadata, RFC 6454)."""
        site = headers.get("sec-fetch-site")
        if site is not None and site not in {"same-origin", "none"}:
            return False
        origin = headers.get("origin")
        if origin is None:
            return True  # not every browser sends it with a form; the token decides
        return urlsplit(origin).netloc == (self._host or headers.get("host"))
