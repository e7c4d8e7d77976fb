"""Pictures of every page, light and dark, on a phone, a tablet and a desk, and one sheet of them all for the documents.

``python bench/page_shots.py FOLDER [NAME ...]`` starts a platform of its own, puts ``<page>-<width>-<scheme>.png`` into
the folder, and writes the sheet ``docs/img/pages.webp`` unless names choose some pages only.
"""
# ruff: noqa: T201 - a script that talks

import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))

from page_browser import sign_in  # noqa: E402 - after the path to it
from pages_world import PARTS, EveryPage, World, make_world  # noqa: E402 - the same
from running_platform import Platform  # noqa: E402 - the same

SHEET = ROOT / "docs/img/pages.webp"
ON_SHEET = (
    "welcome", "apps", "task-waiting", "points", "profile", "review-queue", "review", "admin-app", "admin-points",
    "isin", "feeds", "feed",
)  # fmt: skip
SIZES = {"phone": (360, 780), "tablet": (768, 1024), "desk": (1280, 800)}


# Those far below are loaded when one scrolls there.
ALL_PICTURES = """() => Promise.all([...document.images].map((image) => {
    image.loading = "eager";
    return image.decode().catch(() => {});
}))"""


def main(folder: Path, names: list[str]) -> None:
    """Take them all."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        platform = Platform(Path(temporary) / "var").launch().wait_ready()
        try:
            world = make_world(platform)
            pages = [page for part in PARTS for page in part(world) if not names or page.name in names]
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
                for device in SIZES:
                    for scheme in ("light", "dark"):
                        _shoot(browser, world, pages, folder, device, scheme)
        finally:
            platform.stop()
    if not names:
        _sheet(folder)


def _shoot(browser: Browser, world: World, pages: list[EveryPage], folder: Path, device: str, scheme: str) -> None:
    width, height = SIZES[device]
    for who in sorted({page.who for page in pages}):
        context = browser.new_context(
            base_url=world.platform.url,
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        tab = context.new_page()
        if who in world.people:
            sign_in(tab, *world.people[who])
        for page in (page for page in pages if page.who == who):
            page.open(tab)
            tab.evaluate(ALL_PICTURES)
            tab.screenshot(path=folder / f"{page.name}-{device}-{scheme}.png", full_page=True)
            print(page.name, device, scheme)
        context.close()


def _sheet(folder: Path) -> None:
    """The upper half is the desk in light, the lower the phone in dark."""
    tile, gap = (320, 260), 12
    sheet = Image.new("RGB", ((tile[0] + gap) * 4 + gap, (tile[1] + gap) * 6 + gap), "#8a938f")
    for index, name in enumerate(ON_SHEET * 2):
        device, scheme = ("desk", "light") if index < len(ON_SHEET) else ("phone", "dark")
        picture = Image.open(folder / f"{name}-{device}-{scheme}.png").convert("RGB")
        picture.thumbnail((tile[0], 10_000) if device == "desk" else (tile[0] // 2, 10_000))
        picture = picture.crop((0, 0, picture.width, min(picture.height, tile[1])))
        column, row = index % 4, index // 4
        sheet.paste(
            picture, (gap + column * (tile[0] + gap) + (tile[0] - picture.width) // 2, gap + row * (tile[1] + gap))
        )
    SHEET.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(SHEET, "WEBP", quality=72, method=6)
    print(SHEET, SHEET.stat().st_size, "bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
