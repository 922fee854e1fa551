"""The table of mutations is that of the code as it stands: `make test-mutations` breaks what it means to break."""

import mutations
import pytest


@pytest.mark.parametrize("row", mutations.MUTATIONS, ids=lambda row: f"{row[0]}: {row[1].strip()}")
def test_what_is_broken_stands_there_once(row):
    file, old, new, test = row
    places = (mutations.ROOT / file).read_text(encoding="utf-8").count(old)
    assert places == 1, f"{file} has {old!r} in {places} places: bring tests/mutations.py up to date"
    assert new != old
    path, _, name = test.partition("::")
    assert f"def {name}" in (mutations.ROOT / "tests" / path).read_text(encoding="utf-8")
