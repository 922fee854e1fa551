"""The probe. Drivers measure and hand over layers; rules read layers and give findings; a report shows both.

probe.py          the door: which driver, then theory, rules, report
layer.py          what is measured
numpy_driver.py   torch_driver.py     who measures it (the latter imports torch)
loss.py           the loss, parsed once for both
expectation.py    what mean-field theory expects of the layers
rules.py          what is judged: RULES
report.py         how it is shown
"""
