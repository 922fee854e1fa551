"""The probe: an initialisation judged as training would, on a network's answers.

probe.py          the door: a bench, what is measured and tried on it, rules, causes, cures, the report
evidence.py       what is measured of the answers, and what a bench offers for it; trial.py: real steps
numpy_driver.py   a bench of Dense layers
torch_driver.py   a bench of a Module, its layers traced (torch_bench.py: its passes; torch_answers.py: what the answers
are;
                  paths.py: bottlenecks). Importing any of them imports torch
layer.py          what is measured of a layer; expectation.py: what theory expects of it
rules.py          what is judged: RULES; causes.py: what is likely behind it; cures.py: the line that cures it
report.py         how it is shown
"""
