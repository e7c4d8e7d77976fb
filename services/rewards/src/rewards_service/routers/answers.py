"""Answers that were kept under an Idempotency-Key."""

from fastapi import Response

from rewards_service.services.idempotency import Answer


def respond(answer: Answer) -> Response:
    """The first answer, or the same again with a header that says so."""
    headers = {}
    if answer.location is not None:
        headers["Location"] = answer.location
    if answer.replayed:
        headers["Idempotency-Replayed"] = "true"
    return Response(answer.body, status_code=answer.status, media_type="application/json", headers=headers)
