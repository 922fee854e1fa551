"""Run every benchmark, each in a process of its own, and write results.md: `python -m benchmarks`."""

import datetime
import subprocess
import sys
from pathlib import Path

from .common import machine

QUESTIONS = [
    "fills",
    "sizes",
    "levels",
    "truncated",
    "layouts",
    "calls",
    "orthogonal",
    "transformer",
    "models",
    "activations",
    "describe",
    "probe",
    "notebooks",
]

HEADER = f"""\
# Results

{machine()}; {datetime.date.today()}. Medians of interleaved rounds on a shared machine: read the ratios.
"""
report = [HEADER]
for question in QUESTIONS:
    print(f"running {question} ...", flush=True)
    title = Path(__file__).with_name(f"{question}.py").read_text().split('"""')[1]
    done = subprocess.run([sys.executable, "-m", f"benchmarks.{question}"], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{question} failed:\n{done.stderr}")
    report.append(f"## {title}\n\n{done.stdout}")
Path(__file__).with_name("results.md").write_text("\n".join(report))
print("written to benchmarks/results.md")
