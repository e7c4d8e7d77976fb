"""Who may open a connection to elsewhere is a short list: each of these has its own tests of where it may lead."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
CLIENTS = {"aiohttp", "aiosmtplib", "ftplib", "http.client", "httpx", "requests", "smtplib", "socket", "urllib.request"}
CALLS = {"open_connection", "open_unix_connection", "create_connection", "urlopen"}
MAY = {
    "auth_service/clients/mail.py",  # the mail server of the settings
    "gateway/address.py", "gateway/server.py",  # the services of the settings; its own door
    "isin_worker/compose.py", "isin_worker/pipeline/collect.py", "isin_worker/pipeline/fetch.py",
    "isin_worker/pipeline/guard.py", "isin_worker/pipeline/run.py",  # publishers, past a guard
    "local_stack",  # this machine
    "media/testing.py", "servicekit/testing.py",
    "rewards_service/clients/accounts.py", "rewards_service/clients/catalog.py",  # siblings of the settings
    "servicekit/app.py", "servicekit/probe.py", "servicekit/revocations.py", "servicekit/server.py",
    "servicekit/tokens.py", "servicekit/traces.py",  # siblings and the collector of the settings
    "web/",  # the gateway of the settings
}  # fmt: skip


def reaches_out(path: Path) -> bool:
    """Whether the module imports something that opens connections, or calls it."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import(names=names) if CLIENTS & {name.name for name in names}:
                return True
            case ast.ImportFrom(module=str(module)) if module in CLIENTS or module.partition(".")[0] in CLIENTS:
                return True
            case ast.Attribute(attr=attr) if attr in CALLS:
                return True
    return False


def test_no_other_module_reaches_out() -> None:
    sources = [
        path for place in ("services/*/src", "libs/*/src", "gateway/src", "web/src") for path in ROOT.glob(place)
    ]
    modules = {path.relative_to(source).as_posix(): path for source in sources for path in source.rglob("*.py")}
    assert len(modules) > 200
    strangers = [name for name, path in modules.items() if reaches_out(path) and not name.startswith(tuple(MAY))]
    assert strangers == []


def test_a_module_that_reaches_out_is_seen(tmp_path: Path) -> None:
    for number, code in enumerate(
        [
            "import httpx",
            "from urllib.request import urlopen",
            "import socket as s",
            "import asyncio\nasyncio.open_connection()",
        ]
    ):
        (tmp_path / f"{number}.py").write_text(code)
    (tmp_path / "harmless.py").write_text("from urllib.parse import urlsplit\nimport http")
    assert sorted(path.stem for path in tmp_path.iterdir() if reaches_out(path)) == ["0", "1", "2", "3"]
