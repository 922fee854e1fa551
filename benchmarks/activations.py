"""Sigmoid, tanh and their derivatives: how fast, and how far off, beside torch, NumPy, SciPy and JAX, one thread?"""

import os

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")  # JAX on one thread, as everyone
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import fastinit
import numpy as np

from .common import interleaved, ns, peer, table


def exact(name, z):
    """In long double, from few values."""
    z = z.astype(np.longdouble)
    if name == "tanh":
        return np.tanh(z)
    e = np.exp(-np.abs(z) * (2 if name == "dtanh" else 1))
    if name == "sigmoid":
        return np.where(z < 0, e, 1) / (1 + e)
    return (4 if name == "dtanh" else 1) * e / (1 + e) ** 2


def from_sigmoid(y):
    """Its derivative, as everyone has it."""
    return y * (1 - y)


def peers(name, z, out):
    """Each peer's way to the same values, over and over into the same memory where it can."""
    found = {}
    if name == "tanh":
        found["NumPy"] = lambda: np.tanh(z, out=out)
    elif name == "dtanh":
        found["NumPy 1 - y²"] = lambda: np.subtract(1, np.square(np.tanh(z, out=out), out=out), out=out)
    else:

        def sigmoid():
            return np.reciprocal(np.add(np.exp(np.negative(z, out=out), out=out), 1, out=out), out=out)

        found["NumPy"] = sigmoid if name == "sigmoid" else lambda: from_sigmoid(sigmoid())
    if scipy := peer("scipy.special"):
        if name == "sigmoid":
            found["SciPy expit"] = lambda: scipy.expit(z, out=out)
        elif name == "dsigmoid":
            found["SciPy expit, y (1 - y)"] = lambda: from_sigmoid(scipy.expit(z, out=out))
    if torch := peer("torch"):
        torch.set_num_threads(1)
        tensor, into = torch.from_numpy(z), torch.from_numpy(out)
        theirs = torch.tanh if name.endswith("tanh") else torch.sigmoid
        if name in ("sigmoid", "tanh"):
            found["torch"] = lambda: theirs(tensor, out=into).numpy()
        else:
            step = torch.ops.aten.tanh_backward if name == "dtanh" else torch.ops.aten.sigmoid_backward
            ones = torch.ones_like(tensor)
            found["torch, its own backward"] = lambda: step(ones, theirs(tensor)).numpy()
    if jax := peer("jax"):
        jax.config.update("jax_enable_x64", True)
        f = {
            "sigmoid": jax.nn.sigmoid,
            "tanh": jax.numpy.tanh,
            "dsigmoid": lambda z: from_sigmoid(jax.nn.sigmoid(z)),
            "dtanh": lambda z: (lambda y: 1 - y * y)(jax.numpy.tanh(z)),
        }[name]
        compiled, array = jax.jit(f), jax.numpy.asarray(z)
        found["JAX"] = lambda: compiled(array).block_until_ready()
    return found


def worst(values, z, truth):
    """Largest error in units of the last place, over values whose truth is no subnormal."""
    kept = np.abs(truth) >= np.finfo(z.dtype).tiny
    place = np.spacing(np.abs(truth.astype(z.dtype)))
    error = (np.abs(np.asarray(values) - truth) / place)[kept].max()
    return f"{float(error):.2g}" if error < 1e6 else "all digits"


def everyone(name, z):
    """Ours and each peer's way."""
    out, ufunc = np.empty_like(z), getattr(fastinit, name)
    return {"fastinit": lambda: ufunc(z, out=out), **peers(name, z, out)}


def beside(name, z):
    """Their times, with the limit of reading and writing."""
    out = np.empty_like(z)
    return interleaved({"np.copyto": lambda: np.copyto(out, z), **everyone(name, z)}, 9, 4.0)


def main():
    fastinit.set_num_threads(1)
    rows = []
    for dtype in (np.float32, np.float64):
        far = 86 if dtype is np.float32 else 700
        for name in ("sigmoid", "dsigmoid", "tanh", "dtanh"):
            sample = np.linspace(-far / 2, far / 2, 200_001).astype(dtype)
            truth = exact(name, sample)
            errors = {who: worst(case(), sample, truth) for who, case in everyone(name, sample).items()}
            for mib in (4, 64):
                size = mib * 2**20 // np.dtype(dtype).itemsize
                times = beside(name, (3 * np.random.default_rng(0).standard_normal(size)).astype(dtype))
                for who, t in times.items():
                    ratio = f"{t / times['fastinit']:.2f}"
                    rows.append((np.dtype(dtype).name, name, mib, who, ns(t, size), ratio, errors.get(who, "")))
    table(["dtype", "function", "MiB", "by", "ns a value", "of our time", "worst error, ulp"], rows)


if __name__ == "__main__":
    main()
