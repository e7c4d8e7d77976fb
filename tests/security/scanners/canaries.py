"""Defects, planted in a folder of their own: a scanner that does not see its canary is no scanner.

Secrets are put together here, so that no scan of this repository takes this file for a leak.
"""

SEMGREP = {
    "sql-built-from-values": [
        'async def find(session, name):\n    await session.execute(f"SELECT * FROM app WHERE name = \'{name}\'")\n',
        "from sqlalchemy import text\n\ndef find(name):\n    return text(f\"SELECT '{name}'\")\n",
        'from sqlalchemy import text\n\ndef find(name):\n    return text("SELECT \'{}\'".format(name))\n',
    ],
    "shell": [
        'import subprocess\n\nsubprocess.run(f"convert {name}", shell=True)\n',
        'import os\n\nos.system("convert " + name)\n',
    ],
    "code-from-data": [
        "import pickle\n\ndef load(body):\n    return pickle.loads(body)\n",
        "def load(body):\n    return eval(body)\n",
    ],
    "session-that-commits-after-the-answer": [
        "from fastapi import Depends\n\ndef route(session=Depends(request_session)):\n    pass\n",
    ],
    "session-that-commits-by-hand": ["async def pay(self):\n    await self._session.commit()\n"],
    "request-without-a-time-limit": [
        "import httpx\n\nclient = httpx.AsyncClient()\n",
        "import httpx\n\nclient = httpx.AsyncClient(timeout=None)\n",
        'import httpx\n\nanswer = httpx.get("http://auth/api")\n',
    ],
    "certificate-that-is-not-checked": ["import httpx\n\nclient = httpx.AsyncClient(timeout=5, verify=False)\n"],
    "moment-without-a-zone": ["from datetime import datetime\n\nnow = datetime.now()\n"],
    "secret-in-the-log": [
        'def sign_in(log, refresh_token):\n    log.info("refreshed", token=refresh_token)\n',
        'def sign_in(log, body):\n    log.warning(f"refused {body.password}")\n',
    ],
    "secret-compared-at-leisure": ["def check(csrf_token, sent):\n    return csrf_token == sent\n"],
    "random-that-can-be-foretold": ["import random\n\ntoken = random.randbytes(32)\n"],
    "text-put-into-a-page-as-it-is": ['from markupsafe import Markup\n\nhtml = Markup(f"<b>{name}</b>")\n'],
    "token-that-is-not-verified": [
        'import jwt\n\nclaims = jwt.decode(token, options={"verify_signature": False})\n',
    ],
}  # fmt: skip

SECRETS = {
    "AWS Access Key": ["key = '" + "AKIA" + "2E0A8F3B244C9986" + "'\n"],
    "Private Key": ["-----BEGIN " + "PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ\n"],
    "JSON Web Token": ["token: ey" + "JhbGciOiJFZERTQSJ9.ey" + "JzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl\n"],
    "GitHub Token": ["GITHUB = 'ghp" + "_wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx'\n"],
    "Basic Auth Credentials": ["url: postgresql://rewards:" + "Xk3vQz91" + "@db.internal/rewards\n"],
    "Secret Keyword": ["password" + " = 'Xk3vQz91-and-more'\n"],
    "Base64 High Entropy String": [
        "value = '" + "c3VwZXIgbG9uZyBzdHJpbmcgc2hvdWxkIGNhdXNlIGVub3VnaCBlbnRyb3B5" + "'\n"
    ],
}

RUFF = {
    "S102": ['exec("print(1)")\n'],
    "S105": ['password = "Xk3vQz91"\n'],
    "S113": ['import requests\n\nrequests.get("http://auth")\n'],
    "S301": ["import pickle\n\npickle.loads(body)\n"],
    "S324": ["import hashlib\n\nhashlib.md5(body)\n"],
    "S501": ['import httpx\n\nhttpx.get("https://auth", verify=False)\n'],
    "S602": ['import subprocess\n\nsubprocess.run("ls " + name, shell=True)\n'],
    "S608": ["query = f\"SELECT * FROM app WHERE name = '{name}'\"\n"],
    "ASYNC210": ["import urllib.request\n\nasync def get(url):\n    urllib.request.urlopen(url)\n"],
    "DTZ005": ["import datetime\n\ndatetime.datetime.now()\n"],
    "BLE001": ["try:\n    work()\nexcept Exception:\n    pass\n"],
}

HADOLINT = {
    "DL3006": ["FROM debian\n"],
    "DL3004": ["FROM debian:13\nRUN sudo apt-get update\n"],
    "DL3020": ["FROM debian:13\nADD . /srv\n"],
}

_WORKFLOW = """\
on: {on}
jobs:
  planted:
    runs-on: ubuntu-latest
    steps:
      - {step}
"""
ZIZMOR = {
    "template-injection": [_WORKFLOW.format(on="issues", step="run: echo '${{ github.event.issue.title }}'")],
    "unpinned-uses": [_WORKFLOW.format(on="push", step="uses: actions/checkout@v4")],
    "dangerous-triggers": [_WORKFLOW.format(on="pull_request_target", step="run: make test")],
}
