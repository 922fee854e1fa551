"""Statistics of tensors in one pass: what they take (describe.py) and what they give (result.py)."""
