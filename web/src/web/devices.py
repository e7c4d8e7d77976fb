"""What a browser calls itself, in two words that its owner knows it by."""

from web.texts import text

# The first that fits: many browsers also carry the names of others.
BROWSERS = (
    ("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("FxiOS", "Firefox"), ("HeadlessChrome", "Chrome"),
    ("Chrome", "Chrome"), ("CriOS", "Chrome"), ("Safari", "Safari"),
)  # fmt: skip
SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "Mac"),
    ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


def device_words(user_agent: str | None) -> str:
    """``Firefox on Android``; what is not known is shown as it calls itself."""
    sent = user_agent or ""
    browser = next((name for mark, name in BROWSERS if mark in sent), None)
    system = next((name for mark, name in SYSTEMS if mark in sent), None)
    if browser and system:
        return text("device.both", browser=browser, system=system)
    return browser or system or sent[:60] or text("device.unknown")
