"""What does each instruction-set level reach?"""

import os
import subprocess
import sys

import fastinit

from .common import table

PROGRAM = """
import numpy as np, fastinit
from benchmarks.common import interleaved
fastinit.set_num_threads(1)
a = np.empty((4096, 4096), np.float32)
t = interleaved({"fill": lambda: a.fill(1), "u": lambda: fastinit.uniform_(a), "n": lambda: fastinit.normal_(a),
                 "t": lambda: fastinit.trunc_normal_(a)})
print(*(x / a.size * 1e9 for x in t.values()))
"""


def main():
    rows = []
    for level in fastinit.show_config()["isa_available"]:
        environment = {**os.environ, "FASTINIT_ISA": level}
        command = [sys.executable, "-c", PROGRAM]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        fill, *ours = map(float, done.stdout.split())
        for work, t in zip(("uniform", "normal", "truncated, 2 sigma"), ours, strict=True):
            rows.append((level, work, f"{t:.3f}", f"{fill / t:.2f}"))
    table(["level", "values", "ns a value", "share of a.fill's speed"], rows)


if __name__ == "__main__":
    main()
