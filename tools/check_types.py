"""How much of the public interface is typed: `pyright --verifytypes` on the installed package, at least 95%.

Run: python tools/check_types.py (`make check-types`). Prints each symbol whose type is not known, then the share.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

LEAST = 0.95


def main() -> int:
    command = [sys.executable, "-m", "pyright", "--verifytypes", "fastinit", "--ignoreexternal", "--outputjson"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # --verifytypes asks the first python there
    done = subprocess.run(command, env={**os.environ, "PATH": path}, capture_output=True, text=True)
    try:
        report = json.loads(done.stdout)["typeCompleteness"]
    except (json.JSONDecodeError, KeyError):
        sys.exit(f"pyright gave no report and ended with {done.returncode}: {done.stdout}{done.stderr}")
    if not report["symbols"]:
        sys.exit(f"pyright found no public symbol: install fastinit, with its py.typed, for {sys.executable}")
    for symbol in report["symbols"]:
        if symbol["isExported"] and not symbol["isTypeKnown"]:
            reasons = {said["message"].splitlines()[0] for said in symbol["diagnostics"]}
            print(symbol["name"], *sorted(reasons), sep=": ")
    share = report["completenessScore"]
    print(f"{share:.1%} of the public symbols have a known type; {LEAST:.0%} are needed")
    return share < LEAST


if __name__ == "__main__":
    sys.exit(main())
