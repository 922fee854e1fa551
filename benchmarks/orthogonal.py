"""What does a random orthogonal matrix cost, beside torch's, and how far is it from orthogonal?"""

from functools import partial

import fastinit
import numpy as np
import numpy.typing as npt

from .common import interleaved, peer, table

SHAPES = [
    (16, 16), (64, 64), (256, 256), (512, 512), (1000, 1000), (1024, 1024), (2048, 2048), (4096, 256), (256, 4096),
]  # fmt: skip


def error(w: npt.NDArray[np.floating]) -> float:
    """How far from the identity its product with its transpose is, in steps of its precision."""
    short = w.astype(np.float64) if w.shape[0] <= w.shape[1] else w.T.astype(np.float64)
    return float(abs(short @ short.T - np.eye(len(short))).max() / np.finfo(w.dtype).eps)


def main() -> None:
    torch = peer("torch")
    fastinit.set_num_threads(1)
    if torch:
        torch.set_num_threads(1)
    for dtype in ("float32", "float64"):
        rows = []
        for shape in SHAPES:
            array = np.empty(shape, dtype)
            ours = error(fastinit.orthogonal_(array))
            assert ours <= 8 + (dtype == "float64") * len(array) ** 0.5, ours  # float64's product rounds too
            cases = {"array": partial(fastinit.orthogonal_, array)}
            if torch:
                tensor = torch.empty(shape, dtype=getattr(torch, dtype))
                cases["tensor"] = partial(fastinit.orthogonal_, tensor)
                cases["torch"] = partial(torch.nn.init.orthogonal_, tensor)
            times = interleaved(cases, 301 if len(array) < 300 else 31, 4.0)
            row = [" x ".join(map(str, shape)), *(f"{t * 1e3:.3f}" for t in times.values()), f"{ours:.1f}"]
            if torch:
                theirs = error(torch.nn.init.orthogonal_(tensor).numpy())
                row += [f"{theirs:.1f}", f"{times['torch'] / times['tensor']:.1f}x"]
            rows.append(row)
        print(f"{dtype}, milliseconds, one thread; errors of Q'Q in steps of {dtype}\n")
        peers = ["tensor", "torch's own", "error", "torch's error", "torch / tensor"] if torch else ["error"]
        table(["shape", "array", *peers], rows)


if __name__ == "__main__":
    main()
