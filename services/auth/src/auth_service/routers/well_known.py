"""What other services and clients need to trust our tokens."""

from fastapi import APIRouter, Request, Response

from auth_service.dependencies import KeysDep, SettingsDep
from auth_service.schemas import JsonWebKeySet, ServerMetadata
from servicekit.conditional import conditional_json

router = APIRouter(prefix="/.well-known")

CACHEABLE = "public, max-age=300"


@router.get("/jwks.json", response_model=JsonWebKeySet)
async def jwks(request: Request, keys: KeysDep) -> Response:
    """The public keys that check access tokens."""
    return conditional_json(request, JsonWebKeySet.model_validate({"keys": keys.jwks()}), cache_control=CACHEABLE)


@router.get("/openid-configuration", response_model=ServerMetadata)
async def openid_configuration(request: Request, settings: SettingsDep) -> Response:
    """Where to find keys and tokens."""
    issuer = settings.token_issuer
    metadata = ServerMetadata(
        issuer=issuer,
        jwks_uri=f"{issuer}/.well-known/jwks.json",
        token_endpoint=f"{issuer}/api/v1/auth/token",
        userinfo_endpoint=f"{issuer}/api/v1/users/me",
    )
    return conditional_json(request, metadata, cache_control=CACHEABLE)
