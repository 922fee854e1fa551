"""Every float32 there is, through sigmoid, tanh and their derivatives: how far off, monotone, symmetric? (`make ulp`)

Run: python tools/ulp.py [names]. Takes minutes; what is done is kept in out/ulp.json, to be stopped and resumed. The
truth is NumPy's exp and tanh in double, right to 2^-50. Writes benchmarks/ulp.md when all is done.
"""

import json
import multiprocessing
import subprocess
import sys
from pathlib import Path

import fastinit
import numpy as np

ROOT = Path(__file__).parent.parent
STATE, TABLE = ROOT / "out/ulp.json", ROOT / "benchmarks/ulp.md"
NAMES = ["sigmoid", "dsigmoid", "tanh", "dtanh"]
SIZE = 1 << 23  # inputs at a time: all of one sign, next to each other


def truth(name: str, z: np.ndarray) -> np.ndarray:
    z = z.astype(np.float64)
    if name == "tanh":
        return np.tanh(z)
    e = np.exp(-np.abs(z) * (2 if name == "dtanh" else 1))
    if name == "sigmoid":
        return np.where(z < 0, e, 1.0) / (1 + e)
    return (4 if name == "dtanh" else 1) * e / (1 + e) ** 2


def sweep(task: tuple[str, int]) -> dict:
    """One stretch of bit patterns, and the first of the next, so that no step between neighbours is missed."""
    name, start = task
    end = start + SIZE if (start + SIZE) % 2**31 == 0 else start + SIZE + 1
    z = np.arange(start, end, dtype=np.uint64).astype(np.uint32).view(np.float32)
    f = getattr(fastinit, name)
    with np.errstate(all="raise"):
        y, mirrored = f(z), f(-z)
    with np.errstate(all="ignore"):
        exact = truth(name, z)
        nearest = exact.astype(np.float32)
        place = np.maximum(np.spacing(np.abs(nearest)), np.float32(2.0**-149)).astype(np.float64)
        error = np.where(np.isnan(z), 0.0, np.abs(y.astype(np.float64) - exact) / place)
    result = {
        "inputs": SIZE,
        "worst": float(error.max()),
        "at": float(z[error.argmax()]),
        "not nearest": int((y[:SIZE] != nearest[:SIZE])[~np.isnan(z[:SIZE])].sum()),
        "above 1 ulp": int((error[:SIZE] > 1).sum()),
        "NaN lost or made": int((np.isnan(z) != np.isnan(y))[:SIZE].sum()),
    }
    finite = ~np.isnan(z)
    if name in ("dsigmoid", "dtanh"):
        result["asymmetric"] = int((y.view(np.uint32) != mirrored.view(np.uint32))[finite].sum())
    elif name == "tanh":
        result["asymmetric"] = int(((y.view(np.uint32) ^ mirrored.view(np.uint32)) != 2**31)[finite].sum())
    else:
        result["asymmetric"] = int((np.abs(y.astype(np.float64) + mirrored - 1) > 2.0**-23)[finite].sum())
    if name in ("sigmoid", "tanh"):
        step = np.diff(y[finite]) * (-1.0 if start >= 2**31 else 1.0)
        result["not monotone"] = int((step < 0).sum())
    return {"task": task, **result}


def main(names: list[str]) -> None:
    STATE.parent.mkdir(exist_ok=True)
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    state = json.loads(STATE.read_text()) if STATE.exists() else {}
    if state.get("commit") != commit:
        state = {"commit": commit, "done": []}
    finished = {tuple(row["task"]) for row in state["done"]}
    tasks = [(name, start) for name in names for start in range(0, 2**32, SIZE) if (name, start) not in finished]
    fastinit.set_num_threads(1)
    with multiprocessing.get_context("spawn").Pool() as pool:
        for i, row in enumerate(pool.imap_unordered(sweep, tasks)):
            state["done"].append(row)
            if i % 16 == 15 or i == len(tasks) - 1:
                STATE.write_text(json.dumps(state))
                print(f"{i + 1} of {len(tasks)}", flush=True)
    columns = ["worst", "at", "not nearest", "above 1 ulp", "not monotone", "asymmetric", "NaN lost or made"]
    level = fastinit.show_config()["isa"]
    lines = [
        f"# All 2^32 float32 inputs\n\nCommit {commit}, level {level}; written by `make ulp`.\n",
        "| function | inputs | " + " | ".join(columns) + " |",
        "|---" * (len(columns) + 2) + "|",
    ]
    for name in names:
        rows = [row for row in state["done"] if row["task"][0] == name]
        worst = max(rows, key=lambda row: row["worst"])
        cells = {key: sum(row.get(key, 0) for row in rows) for key in columns[2:]} | {
            "worst": f"{worst['worst']:.4f} ulp",
            "at": repr(worst["at"]),
        }
        if "not monotone" not in rows[0]:
            cells["not monotone"] = ""
        lines.append(
            f"| {name} | {sum(row['inputs'] for row in rows)} | "
            + " | ".join(str(cells[key]) for key in columns)
            + " |"
        )
    lines.append(
        "\nAsymmetric: derivatives that differ bit for bit at z and -z; tanh(-z) that is not -tanh(z);"
        "\nsigmoid(z) + sigmoid(-z) further than one ulp from 1."
    )
    TABLE.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main(sys.argv[1:] or NAMES)
