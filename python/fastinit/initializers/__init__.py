"""The initialisers: every function of torch.nn.init, and what JAX and Keras add.

Each fills its tensor in place and returns that very object. What is added to a function of torch's is keyword-only.
"""
