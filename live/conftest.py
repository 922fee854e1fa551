"""What every browser is shown."""

from pathlib import Path

import pytest
import wasm
from live import build


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages, built."""
    made = tmp_path_factory.mktemp("live")
    wasm.build(made / "network.wasm", [Path(build.__file__).parent / "network.c"])
    build.build(made / "network.wasm", made)
    return made
