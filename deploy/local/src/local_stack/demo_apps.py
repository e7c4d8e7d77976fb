"""A few apps to look at on the first start: real free-software apps, in our own words, through the REST API."""

from typing import TYPE_CHECKING, NamedTuple

from local_stack.accounts import password_of
from local_stack.console import Console
from local_stack.databases import fingerprint
from local_stack.parts import GATEWAY, Site
from local_stack.remembered import Remembered

if TYPE_CHECKING:
    import httpx


class DemoApp(NamedTuple):
    """What the catalogue is told; the category is a wish, taken when the catalogue has it."""

    package_name: str
    name: str
    category: str
    points: int
    summary: str


APPS = (
    DemoApp("org.fdroid.fdroid", "F-Droid", "tools", 150, "A shop that carries free software only."),
    DemoApp("org.schabi.newpipe", "NewPipe", "entertainment", 250, "Watch videos with little data and no account."),
    DemoApp("com.nextcloud.client", "Nextcloud", "productivity", 300, "Your files on a server of your own."),
    DemoApp("org.mozilla.firefox", "Firefox", "tools", 100, "A browser that blocks trackers by itself."),
    DemoApp("org.videolan.vlc", "VLC", "entertainment", 120, "Plays nearly every video and audio file."),
    DemoApp(
        "de.danoeh.antennapod", "AntennaPod", "entertainment", 180, "Podcasts, sorted and ready without a network."
    ),
    DemoApp("net.osmand.plus", "OsmAnd", "travel", 350, "Maps and routes that work without a network."),
    DemoApp("org.wikipedia", "Wikipedia", "education", 80, "The free encyclopedia, also for reading on the way."),
)


async def fill(site: Site, console: Console, remembered: Remembered) -> None:
    """Lists and publishes the apps that are not there yet. A failure is told and stops nothing."""
    done = fingerprint(repr(APPS), site.data_fingerprint())
    if remembered.has("demo apps", done):
        return
    import httpx  # noqa: PLC0415 - 0.2 s that later starts need not pay

    try:
        async with httpx.AsyncClient(base_url=site.url(GATEWAY), timeout=10, trust_env=False) as client:
            await _sign_in(client, site)
            slugs = await _categories(client)
            for app in APPS:
                await _list(client, app, slugs)
    except httpx.HTTPStatusError as error:
        answer = error.response
        console.say(f"no demo apps: {answer.request.method} {answer.request.url.path} answered {answer.status_code}")
    except httpx.HTTPError as error:
        console.say(f"no demo apps: {error}")
    else:
        remembered.put("demo apps", done)


async def _sign_in(client: "httpx.AsyncClient", site: Site) -> None:
    admin = site.settings.accounts[0]
    credentials = {"email": admin.email, "password": password_of(admin, site)}
    answer = await client.post("/api/v1/auth/login", json=credentials)
    token = answer.raise_for_status().json()["access_token"]
    client.headers["Authorization"] = f"Bearer {token}"


async def _categories(client: "httpx.AsyncClient") -> list[str]:
    answer = await client.get("/api/v1/categories", params={"limit": 200})
    return [category["slug"] for category in answer.raise_for_status().json()["items"]]


async def _list(client: "httpx.AsyncClient", app: DemoApp, slugs: list[str]) -> None:
    known = await client.get(f"/api/v1/apps/by-package/{app.package_name}")
    if known.is_success and known.json()["status"] != "draft":
        return
    if not known.is_success:
        wanted = app._asdict() | {"category": app.category if app.category in slugs else slugs[0]}
        known = (await client.post("/api/v1/apps", json=wanted)).raise_for_status()
    (await client.post(f"/api/v1/apps/{known.json()['id']}/publish")).raise_for_status()
