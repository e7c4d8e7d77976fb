"""The extractor runs where nothing but Python is installed."""

import subprocess
import sys
from pathlib import Path

import extractor

PROGRAM = """
import sys
from pathlib import Path

before = set(sys.modules)
sys.path.insert(0, sys.argv[1])
for file in Path(sys.argv[1], "extractor").glob("*.py"):
    if file.stem != "__main__":  # which starts the command
        __import__(f"extractor.{file.stem}".removesuffix(".__init__"))
foreign = {name.partition(".")[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)
print(*sorted(foreign))
"""


def test_every_module_imports_the_standard_library_alone() -> None:
    source = Path(extractor.__file__).parents[1]

    # -I and -S: no site-packages, no environment, no current folder
    command = [sys.executable, "-I", "-S", "-W", "error", "-c", PROGRAM, str(source)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (result.stdout, result.stderr) == ("extractor\n", "")
