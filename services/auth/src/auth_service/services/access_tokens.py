"""What an access token says."""

import time
from uuid import UUID, uuid4

from auth_service.models import Account
from auth_service.services.signing_keys import ACCESS_TOKEN_SECONDS, SigningKeys
from servicekit.settings import TokenSettings

LIFE_SECONDS = ACCESS_TOKEN_SECONDS


class AccessTokens:
    """Issues access tokens (RFC 9068). They carry no e-mail address and no name."""

    def __init__(self, keys: SigningKeys, settings: TokenSettings) -> None:
        self._keys = keys
        self._issuer = settings.token_issuer
        self._audience = settings.token_audience

    def issue(self, account: Account, session_id: UUID) -> str:
        """A token that lives for ``LIFE_SECONDS``."""
        now = int(time.time())
        return self._keys.sign(
            {
                "iss": self._issuer,
                "aud": self._audience,
                "iat": now,
                "exp": now + LIFE_SECONDS,
                "jti": str(uuid4()),
                "sub": str(account.id),
                "sid": str(session_id),
                "roles": account.roles,
                "email_verified": account.email_verified_at is not None,
            }
        )
