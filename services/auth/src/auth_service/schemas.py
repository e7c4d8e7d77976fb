"""What requests and answers look like."""

import unicodedata
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, SecretStr, field_validator

from auth_service.addresses import MAX_EMAIL, normalise_email
from auth_service.password_policy import MAX_LENGTH, MIN_LENGTH
from servicekit.schemas import Input, Output

# Looser than the policy, which counts the normal form; it only bounds the work.
MAX_SENT_PASSWORD = 1024
MAX_SENT_TOKEN = 256

Email = Annotated[
    str,
    Field(max_length=MAX_EMAIL, examples=["ada@example.com"], json_schema_extra={"format": "email"}),
    AfterValidator(normalise_email),
]
# They are counted as letters and signs, and show nothing: fillers of Hangul, and the empty cell of Braille.
BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")


def _can_be_seen(name: str) -> str:
    if not any(unicodedata.category(sign)[0] in "LNPS" and sign not in BLANKS for sign in name):
        raise ValueError("a name has at least one letter, digit or sign that can be seen")
    return name


# One line, without the characters that turn the direction of the text around them.
NAME_PATTERN = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+$"
Name = Annotated[
    str,
    Field(min_length=1, max_length=100, pattern=NAME_PATTERN, examples=["Ada Lovelace"]),
    AfterValidator(_can_be_seen),
]
NewPassword = Annotated[
    SecretStr,
    Field(
        max_length=MAX_SENT_PASSWORD,
        description=f"{MIN_LENGTH} to {MAX_LENGTH} characters of any kind",
        examples=["a long and easy sentence"],
    ),
]
Role = Literal["user", "reviewer", "admin"]
Code = Annotated[str, Field(min_length=1, max_length=64, examples=["123456"])]
OpaqueToken = Annotated[str, Field(min_length=1, max_length=MAX_SENT_TOKEN)]


class RegisterIn(Input):
    """A new account."""

    email: Email
    password: NewPassword
    name: Name


class Accepted(Output):
    """What happens next comes by mail, whether or not the address was known."""

    status: Literal["accepted"] = "accepted"
    detail: str = "A mail is on its way to this address."


class VerifyEmailIn(Input):
    """The token of the link in the mail."""

    token: OpaqueToken


class LoginIn(Input):
    """Whoever signs in. The address is not checked for its form: a wrong one is just not known."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"email": "ada@example.com", "password": "a long and easy sentence"}]}
    )

    email: str = Field(max_length=1024)
    password: SecretStr = Field(max_length=MAX_SENT_PASSWORD)


class ForgotIn(Input):
    """Whose password is forgotten."""

    email: Email


class ResetIn(Input):
    """The token of the link in the mail, and the new password."""

    token: OpaqueToken
    password: NewPassword


class PasswordChangeIn(Input):
    """The password so far, and the new one."""

    current_password: SecretStr = Field(max_length=MAX_SENT_PASSWORD)
    new_password: NewPassword


class ProfileIn(Input):
    """What its owner may change of an account."""

    name: Name


class RefreshIn(Input):
    """The latest refresh token of the session."""

    refresh_token: OpaqueToken


class TokensOut(Output):
    """Tokens. The access token lives for ``expires_in`` seconds; the refresh token is good for one refresh."""

    access_token: str
    refresh_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - RFC 6750's name of the kind
    expires_in: int


class MfaRequiredOut(Output):
    """The password was right, and a code is needed too: send both to `/auth/mfa` within five minutes."""

    mfa_required: Literal[True] = True
    mfa_token: str


class MfaIn(Input):
    """The token of the sign-in, and a code of the authenticator app or a recovery code."""

    mfa_token: OpaqueToken
    code: Code


class CodeIn(Input):
    """A code of the authenticator app."""

    code: Code


class PasswordIn(Input):
    """The password, to prove that it is really you."""

    password: SecretStr = Field(max_length=MAX_SENT_PASSWORD)


class TotpOut(Output):
    """The secret for an authenticator app, as text and as the content of a QR code."""

    secret: str
    otpauth_uri: str


class RecoveryCodesOut(Output):
    """Codes for when the app is gone. Each works once; they are not shown again."""

    recovery_codes: list[str]


class AccountOut(Output):
    """The account of the caller."""

    id: UUID
    email: str
    email_verified: bool
    name: str
    roles: list[Role]
    created_at: datetime
    mfa_enabled: bool = False


class UserOut(AccountOut):
    """An account as administrators see it."""

    disabled: bool


class UserChangeIn(Input):
    """What administrators may change; what is left out stays. Everybody has the role ``user``."""

    roles: list[Role] | None = Field(default=None, max_length=10)
    disabled: bool | None = Field(default=None, strict=True)

    @field_validator("roles")
    @classmethod
    def _with_user(cls, roles: list[Role] | None) -> list[Role] | None:
        return None if roles is None else [*roles, "user"]


class AuditEventOut(Output):
    """What happened to an account, and who did it: the owner, or an administrator."""

    id: UUID
    created_at: datetime
    kind: str
    actor_id: UUID | None
    user_id: UUID | None
    details: dict[str, Any]


class SessionOut(Output):
    """A place where the account is signed in. ``network`` is the address it signed in from, shortened for IPv6."""

    id: UUID
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    network: str | None
    user_agent: str | None
    current: bool = Field(description="the session of this very request")


class JsonWebKey(Output):
    """A public Ed25519 key (RFC 8037)."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    x: str
    kid: str
    use: Literal["sig"]
    alg: Literal["EdDSA"]


class JsonWebKeySet(Output):
    """The keys that access tokens may be signed with (RFC 7517)."""

    keys: list[JsonWebKey]


class ServerMetadata(Output):
    """Where a client finds what (RFC 8414, with the members that OpenID Connect Discovery wants)."""

    issuer: str
    jwks_uri: str
    token_endpoint: str
    userinfo_endpoint: str
    grant_types_supported: tuple[str, ...] = ("password",)
    response_types_supported: tuple[str, ...] = ()
    subject_types_supported: tuple[str, ...] = ("public",)
    id_token_signing_alg_values_supported: tuple[str, ...] = ("EdDSA",)
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("none",)
