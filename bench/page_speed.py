"""How quick the pages are: ``python bench/page_speed.py render`` and ``python bench/page_speed.py paint``.

Both start a platform of their own and go through every page of ``pages_world``.

``render``: the time of a page at the gateway against that of the API calls which it makes there (one after the other,
of the same page views, told apart by their request id), as 95th percentiles. The bar is three times.

``paint``: Chromium with its processor slowed down four times and an empty cache, on a phone and on a desk: the first
contentful paint (bar: 1 s) and the layout shift (bar: 0), each as the worst of some views; the page is scrolled to its
end, so that pictures which are loaded late are there.
"""
# ruff: noqa: T201 - a script that talks

import re
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import httpx
from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))

from page_browser import Opener, chromium, sign_in  # noqa: E402 - after the path to it
from pages_world import PARTS, EveryPage, World, make_world  # noqa: E402 - the same
from running_platform import Platform, eventually  # noqa: E402 - the same

WARM, VIEWS = 5, 60
PAINT_VIEWS = 3
SLOWER = 4
SIZES = {"phone": {"width": 360, "height": 780}, "desk": {"width": 1280, "height": 800}}
SHOWN_ONCE = {"recovery-codes"}  # the answer of a form
LINE = re.compile(r"\[info\] request GET (\S+) (\d+) (\S+) ms=([\d.]+) request_id=(speed-\S+)")
LISTEN = """
    window.shift = 0;
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) window.shift += entry.value;
    }).observe({type: "layout-shift", buffered: true});
"""
SETTLE = """async () => {
    scrollTo(0, document.documentElement.scrollHeight);
    const shown = [...document.images].filter((image) => image.checkVisibility());
    await Promise.all(shown.map((image) => image.complete || new Promise((done) => { image.onload = image.onerror = done; })));
    await document.fonts.ready;
    await new Promise((done) => setTimeout(done, 300));  // scripts, and the observer itself
    return [performance.getEntriesByName("first-contentful-paint")[0].startTime, window.shift];
}"""  # noqa: E501 - one expression


def main(measure: str) -> None:
    """Start a platform, and look at its pages."""
    with tempfile.TemporaryDirectory() as temporary:
        platform = Platform(Path(temporary) / "var").launch().wait_ready()
        try:
            world = make_world(platform)
            pages = [page for part in PARTS for page in part(world)]
            with chromium() as browser:
                {"render": render, "paint": paint}[measure](browser, world, pages)
        finally:
            platform.stop()


def render(browser: Browser, world: World, pages: list[EveryPage]) -> None:
    """Print both percentiles for each page."""
    opener = Opener(browser, world.platform.url)

    def view(page: EveryPage, cookies: dict[str, str]) -> None:
        with httpx.Client(base_url=world.platform.url, cookies=cookies, headers={"Accept": "text/html"}) as client:
            for number in range(-WARM, VIEWS):
                client.get(page.path, headers={"X-Request-ID": f"speed-{page.name}-{number}"})

    def each(page: EveryPage, cookies: dict[str, str]) -> None:
        if page.name not in SHOWN_ONCE:
            view(page, cookies)

    _through(opener, world, pages, each)
    opener.close()
    last = f"speed-{[page for page in pages if page.name not in SHOWN_ONCE][-1].name}-{VIEWS - 1}"
    eventually(lambda: last in world.platform.log)
    own, calls, made = _times(world.platform.log)
    ratios = {}
    print(f"{'page':22} {'calls':>5} {'page p95 ms':>12} {'calls p95 ms':>13} {'times':>6}")
    for name in own:
        page_ms, calls_ms = _p95(own[name]), _p95(calls[name])
        if made[name]:
            ratios[name] = page_ms / calls_ms
        times = f"{ratios[name]:6.2f}" if made[name] else "     -"
        print(f"{name:22} {made[name]:5} {page_ms:12.1f} {calls_ms:13.1f} {times}")
    worst = max(ratios, key=lambda name: ratios[name])
    print(f"median {statistics.median(ratios.values()):.2f}, worst {ratios[worst]:.2f} ({worst}); bar 3")


def _through(
    opener: Opener, world: World, pages: list[EveryPage], each: Callable[[EveryPage, dict[str, str]], None]
) -> None:
    """Each page with the cookies of those whose it is."""
    for who in sorted({page.who for page in pages}):
        tab = opener()
        if who in world.people:
            sign_in(tab, *world.people[who])
        for page in pages:
            if page.who == who:
                page.open(tab)
                each(page, {str(cookie["name"]): str(cookie["value"]) for cookie in tab.context.cookies()})


def _times(log: str) -> tuple[dict[str, list[float]], dict[str, list[float]], dict[str, int]]:
    """The milliseconds of every view and of its calls together, and how many calls there are, by page."""
    view_ms: dict[str, float] = {}
    calls_ms: defaultdict[str, list[float]] = defaultdict(list)
    for _, _, service, ms, view in LINE.findall(log):
        if service == "web":
            view_ms[view] = float(ms)
        else:
            calls_ms[view].append(float(ms))
    own: defaultdict[str, list[float]] = defaultdict(list)
    calls: defaultdict[str, list[float]] = defaultdict(list)
    made: dict[str, int] = {}
    for view, ms in view_ms.items():
        name, number = view.removeprefix("speed-").rsplit("-", 1)
        if name.endswith("-"):  # a negative number: warming up
            continue
        assert number.isdigit()  # noqa: S101 - the names are ours
        own[name].append(ms)
        calls[name].append(sum(calls_ms[view]))
        made[name] = len(calls_ms[view])
    return own, calls, made


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def paint(browser: Browser, world: World, pages: list[EveryPage]) -> None:
    """Print the first contentful paint and the layout shift of each page."""
    worst: defaultdict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for device, size in SIZES.items():
        for who in sorted({page.who for page in pages}):
            opener = Opener(browser, world.platform.url)
            tab = opener(width=size["width"])
            tab.set_viewport_size({"width": size["width"], "height": size["height"]})
            if who in world.people:
                sign_in(tab, *world.people[who])
            tab.add_init_script(LISTEN)
            control = tab.context.new_cdp_session(tab)
            control.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
            control.send("Network.enable")
            for page in (page for page in pages if page.who == who):
                for _ in range(PAINT_VIEWS if page.steps is None else 1):
                    control.send("Network.clearBrowserCache")
                    page.open(tab)
                    worst[page.name, device].append(tab.evaluate(SETTLE))
            opener.close()
    print(f"{'page':22} {'device':7} {'first paint ms':>14} {'shift':>8}")
    for (name, device), views in worst.items():
        print(f"{name:22} {device:7} {max(view[0] for view in views):14.0f} {max(view[1] for view in views):8.4f}")
    slowest = max(max(view[0] for view in views) for views in worst.values())
    shifting = sorted({name for (name, _), views in worst.items() if any(view[1] for view in views)})
    print(
        f"{len(worst)} pages and sizes; slowest first paint {slowest:.0f} ms (bar 1000); pages that shift: {shifting}"
    )


if __name__ == "__main__":
    main(sys.argv[1])
