"""How fast is each distribution in each dtype, one thread, 4096 x 4096, beside the peers and the limit of memory?"""

import fastinit
import ml_dtypes
import numpy as np

from .common import check, interleaved, ns, peer, table

SIDE, SMALL = 4096, 512  # torch's truncated normal takes 84 ns a value: it is timed on the small side
DTYPES = {"float32": np.float32, "float64": np.float64, "float16": np.float16, "bfloat16": ml_dtypes.bfloat16}
TRUNCATED_STD = fastinit.truncated_std(-2, 2)
WORKS = {  # name -> (fill, torch's, mean, std)
    "uniform": (lambda t: fastinit.uniform_(t, -1, 1), "uniform_", (-1, 1), 3**-0.5),
    "normal": (fastinit.normal_, "normal_", (), 1.0),
    "truncated, 2 sigma": (fastinit.trunc_normal_, "trunc_normal_", (), TRUNCATED_STD),
    "truncated, std=0.02": (lambda t: fastinit.trunc_normal_(t, std=0.02), "trunc_normal_", (0, 0.02), 0.02),
}


def numpy_peers(work, dtype, shape):
    """NumPy's own, into an array that is there and as people write it."""
    if dtype not in ("float32", "float64") or work not in ("uniform", "normal"):
        return {}
    out, peers = np.empty(shape, dtype), {}
    for name, bits in (("PCG64", np.random.PCG64), ("SFC64", np.random.SFC64)):
        rng = np.random.Generator(bits(0))
        draw = rng.random if work == "uniform" else rng.standard_normal
        peers[f"NumPy {name} out="] = lambda draw=draw: draw(out=out, dtype=dtype)
    written = {
        "uniform": lambda: np.random.uniform(-1, 1, shape).astype(dtype),
        "normal": lambda: np.random.randn(*shape).astype(dtype),
    }
    peers["NumPy as written"] = written[work]
    if mkl := peer("mkl_random"):
        mkl.seed(0, brng="SFMT19937")
        peers["mkl_random"] = lambda: (
            mkl.uniform(-1, 1, shape) if work == "uniform" else mkl.standard_normal(shape)
        ).astype(dtype, copy=False)
    if jax := peer("jax"):
        jax.config.update("jax_enable_x64", True)
        key, draw = jax.random.key(0), getattr(jax.random, work)
        peers["JAX"] = lambda: draw(key, shape, dtype).block_until_ready()
    return peers


def main():
    torch = peer("torch")
    fastinit.set_num_threads(1)
    if torch:
        torch.set_num_threads(1)
    shape = (SIDE, SIDE)
    rows = []
    for dtype, kind in DTYPES.items():
        array = np.empty(shape, kind)
        plain = array.view(np.uint16) if dtype == "bfloat16" else array
        for work, (fill, name, arguments, std) in WORKS.items():
            check(fill(array)[:1024], 0.0, std)
            limit = f"{dtype} a.fill"
            cases = {"ours": lambda fill=fill, array=array: fill(array), limit: lambda plain=plain: plain.fill(1)}
            sizes = {}
            cases |= numpy_peers(work, dtype, shape)
            if torch:
                slow = work == "truncated, 2 sigma"
                tensor = torch.empty((SMALL, SMALL) if slow else shape, dtype=getattr(torch, dtype))
                sizes["torch"] = tensor.numel()
                theirs = getattr(torch.nn.init, name)
                cases["torch"] = lambda theirs=theirs, tensor=tensor, arguments=arguments: theirs(tensor, *arguments)
            times = interleaved(cases, 5, 4.0)
            ours = times.pop("ours") / array.size
            top = times.pop(limit) / array.size
            beside = "; ".join(
                f"{p} {ns(t, sizes.get(p, array.size))}, {t / sizes.get(p, array.size) / ours:.1f}x"
                for p, t in times.items()
            )
            rows.append((dtype, work, ns(ours, 1), f"{top / ours:.2f}", beside))
    table(["dtype", "values", "ns a value", "share of a.fill's speed", "peers: ns a value, ratio to ours"], rows)


if __name__ == "__main__":
    main()
