"""The gates that are scripts of our own can fail."""

import check_tree
import pytest

ASIDE = "x = 1  # no" + "qa"  # in two parts: this file puts no rule aside


def faults(folder, monkeypatch, capsys, name, content):
    """What the check of the tree says of a project of one file."""
    (folder / name).write_bytes(content)
    monkeypatch.setattr(check_tree, "ROOT", folder)
    monkeypatch.setattr(check_tree, "tracked", lambda: [folder / name])
    count = check_tree.main()
    return count, capsys.readouterr().out


@pytest.mark.parametrize("name, content", [
    ("a.txt", b"x" * 2**20),
    ("a.png", check_tree.PNG + b"\0"),
    ("a.py", f"{ASIDE}: E501  # why\n".encode() * 10),
    ("a.py", b"x = 1  # type: " + b"ignore[attr-defined]  # why\n"),
])  # fmt: skip
def test_what_may_be_tracked(tmp_path, monkeypatch, capsys, name, content):
    assert faults(tmp_path, monkeypatch, capsys, name, content)[0] == 0


@pytest.mark.parametrize("name, content, words", [
    ("a.txt", b"x" * (2**20 + 1), "1.0 MiB"),
    ("a.deb", b"a\0b", "binary"),
    ("a.png", b"GIF89a", "no PNG"),
    ("a.py", f"{ASIDE}\n".encode(), "give its code"),
    ("a.py", f"{ASIDE}: E501\n".encode(), "reason"),
    ("a.py", b"x = 1  # type: " + b"ignore\n", "give its code"),
    ("a.py", f"{ASIDE}: E501  # why\n".encode() * 11, "at most 10"),
])  # fmt: skip
def test_what_may_not(tmp_path, monkeypatch, capsys, name, content, words):
    count, said = faults(tmp_path, monkeypatch, capsys, name, content)
    assert count == 1 and words in said
