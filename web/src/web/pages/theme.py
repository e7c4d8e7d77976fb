"""Light or dark: the reader's own choice, kept in a cookie."""

from fastapi import APIRouter
from starlette.responses import Response

from web.forms import OwnForm
from web.visits import THEME_SECONDS, THEMES, AnyVisit, own_path

router = APIRouter()


@router.post("/theme")
async def choose(visit: AnyVisit, form: OwnForm) -> Response:
    """Keep the choice, and go back to where it was made."""
    response = visit.redirect(own_path(form.get("next")))
    if form.get("theme") in THEMES:
        visit.keep(response, "theme", form["theme"], seconds=THEME_SECONDS)
    return response
