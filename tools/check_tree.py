"""What is tracked: no file over 1 MiB, no binary but PNG, at most ten lines that put a rule of ruff or mypy aside.

Run: python tools/check_tree.py (`make lint`). Prints those lines, then what is wrong, and fails if anything is.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
LARGEST, MOST = 2**20, 10
PNG = b"\x89PNG\r\n\x1a\n"
EXCEPTION = re.compile(r"#\s*(?:(?:ruff|flake8):\s*)?(?:noqa|(?:type|pyright|mypy):\s*ignore)\b.*", re.IGNORECASE)
EXPLAINED = re.compile(r"# (?:noqa: \w+(?:, ?\w+)*|type: ignore\[[\w, -]+\])  # \S.*")


def tracked() -> list[Path]:
    """Files of the index, those of a commit that is being made too."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        sys.exit(f"{ROOT} is no git checkout, so nothing says which files are tracked: run this in a clone")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def file_faults(path: Path) -> list[str]:
    """What is wrong with a file's size and kind."""
    content, name = path.read_bytes(), path.relative_to(ROOT)
    found = []
    if len(content) > LARGEST:
        found.append(f"{name}: {len(content) / 2**20:.1f} MiB; a tracked file has at most {LARGEST >> 20}")
    if path.suffix == ".png":
        if not content.startswith(PNG):
            found.append(f"{name}: is no PNG")
    elif b"\0" in content:
        found.append(f"{name}: is binary; of those only PNG may be tracked")
    return found


def exceptions(path: Path) -> list[str]:
    """The lines of a Python file on which a rule is put aside: file, line, comment."""
    lines = path.read_text(encoding="utf-8").splitlines()
    places = ((number, EXCEPTION.search(line)) for number, line in enumerate(lines, 1))
    return [f"{path.relative_to(ROOT)}:{number}: {found[0]}" for number, found in places if found]


def main() -> int:
    files = tracked()
    asides = [line for path in files if path.suffix in (".py", ".pyi") for line in exceptions(path)]
    wrong = [fault for path in files for fault in file_faults(path)]
    wrong += [f"{line}: give its code and a reason" for line in asides if not EXPLAINED.search(line)]
    if len(asides) > MOST:
        wrong.append(f"{len(asides)} noqa and type: ignore; at most {MOST} in the whole project")
    print(*asides, *wrong, f"{len(files)} files, {len(asides)} exceptions, {len(wrong)} faults", sep="\n")
    return len(wrong)


if __name__ == "__main__":
    sys.exit(bool(main()))
