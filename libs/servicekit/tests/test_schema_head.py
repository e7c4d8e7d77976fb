"""The newest revision, read without Alembic, is the one that Alembic names."""

from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from servicekit import migrations
from servicekit.schema_head import heads

SCRIPTS = {
    "0001_first.py": 'revision = "0001"\ndown_revision = None\n',
    "0002_second.py": 'revision: str = "0002"\ndown_revision: str | None = "0001"\n',
    "0003_branch.py": "revision = '0003'\ndown_revision = '0001'\n",
}


@pytest.mark.parametrize("names", [["0001"], ["0001", "0002"], ["0001", "0002", "0003"]])
def test_heads_are_those_of_alembic(tmp_path: Path, names: list[str]) -> None:
    versions = tmp_path / "migrations" / "versions"
    versions.mkdir(parents=True)
    for name, text in SCRIPTS.items():
        if name[:4] in names:
            (versions / name).write_text(f'"""A step."""\n\n{text}\n\ndef upgrade() -> None:\n    pass\n')
    package_file = str(tmp_path / "__init__.py")
    assert heads(package_file) == set(ScriptDirectory.from_config(migrations.config(package_file, "")).get_heads())
