"""Proofs: the upload, and the pictures."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from media.picture import MEDIA_TYPE, THUMBNAIL_MEDIA_TYPE
from rewards_service.dependencies import KEYED, Key, Proofs
from rewards_service.routers.answers import respond
from rewards_service.routers.upload import received_file
from rewards_service.schemas.tasks import ProofOut
from rewards_service.services.idempotency import Call
from rewards_service.services.proofs import ProofService
from servicekit.conditional import not_modified
from servicekit.permissions import SignedIn

router = APIRouter(prefix="/api/v1")

_ROUTE = "submit_proof"
# Described by hand, as the body is read by hand: only after the permission and the state have been looked at.
_FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "A screenshot: PNG, JPEG or WebP, up to 8 MB and 25 million pixels, "
                            "its shorter side 320 pixels at least",
                        }
                    },
                }
            }
        },
    }
}
_PICTURE_HEADERS = {
    "Accept-Ranges": "none",
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "sandbox; default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def _picture_responses(media_type: str) -> dict[int | str, dict[str, Any]]:
    schema = {"type": "string", "format": "binary"}
    return {
        200: {"description": "The picture", "content": {media_type: {"schema": schema}}},
        304: {"description": "The copy that you have is still good"},
    }


@router.post(
    "/tasks/{task_id}/proofs",
    status_code=201,
    response_model=ProofOut,
    openapi_extra={**KEYED, **_FILE},
    responses={
        409: {"description": "The task takes no proof now"},
        413: {"description": "The file has more than 8 MB"},
        415: {"description": "Not a PNG, JPEG or WebP picture"},
    },
)
async def submit_proof(task_id: UUID, request: Request, principal: SignedIn, key: Key, proofs: Proofs) -> Response:
    """Send a screenshot as the proof of a task, which then waits for a reviewer.

    Only the pixels are kept: a new picture is made of them, without place, device or any other metadata.
    """
    await proofs.admit(principal.user_id, task_id, _ROUTE, key)
    async with received_file(request) as upload:
        call = Call.of(principal.user_id, _ROUTE, key, path=request.scope["path"], content=upload.sha256.encode())
        return respond(await proofs.submit(call, task_id, upload.file, upload.sha256))


@router.get("/proofs/{proof_id}/image", response_class=Response, responses=_picture_responses(MEDIA_TYPE))
async def get_proof_image(proof_id: UUID, request: Request, principal: SignedIn, proofs: Proofs) -> Response:
    """The picture of a proof: your own, or any for reviewers."""
    proof = await proofs.find(principal, proof_id)
    return await _picture(request, proofs, proof.image_sha256, MEDIA_TYPE, f"proof-{proof_id}.png")


@router.get("/proofs/{proof_id}/thumbnail", response_class=Response, responses=_picture_responses(THUMBNAIL_MEDIA_TYPE))
async def get_proof_thumbnail(proof_id: UUID, request: Request, principal: SignedIn, proofs: Proofs) -> Response:
    """A small form of the picture, 480 pixels on its longer side."""
    proof = await proofs.find(principal, proof_id)
    return await _picture(request, proofs, proof.thumbnail_sha256, THUMBNAIL_MEDIA_TYPE, f"proof-{proof_id}-small.webp")


async def _picture(request: Request, proofs: ProofService, digest: str, media_type: str, name: str) -> Response:
    etag = f'"{digest}"'
    headers = {**_PICTURE_HEADERS, "ETag": etag, "Content-Disposition": f'inline; filename="{name}"'}
    if not_modified(request, etag):
        return Response(status_code=304, headers=headers)
    return Response(await proofs.read(digest), media_type=media_type, headers=headers)
