"""The catalogue as it is served, with a key of the bench's own: prints an administrator's token, then serves."""

import os
import sys
from uuid import UUID

import uvicorn

from catalog_service.main import create_app
from catalog_service.settings import Settings
from servicekit import logs, testing

settings = Settings.model_validate(
    {
        "environment": "production",
        "log_level": "warning",
        "database_url": os.environ["PEER_URL"],
        "cursor_secret": testing.TEST_SECRET,
        "blob_url": "memory:///",
    }
)
logs.configure("catalog_service", settings)
sys.stdout.write(testing.make_token(UUID(int=1), ["admin"], settings) + "\n")
sys.stdout.flush()
uvicorn.run(
    create_app(settings, keys=testing.test_keys()), port=int(sys.argv[1]), http="httptools", log_config=None,
    access_log=False, server_header=False,
)  # fmt: skip
