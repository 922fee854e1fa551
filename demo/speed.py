"""How long fills take, beside what is installed."""

import time

import fastinit
import numpy as np


def median_ns(fill, size, rounds=5):
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        fill()
        times.append(time.perf_counter() - start)
    return sorted(times)[rounds // 2] / size * 1e9


def time_fills(torch):
    """Nanoseconds a value, one thread, beside what is installed."""
    a, rng = np.empty((2048, 2048), np.float32), np.random.default_rng(0)
    small = a[:512, :512].copy()
    threads = fastinit.get_num_threads()
    fastinit.set_num_threads(1)
    ours = {
        "xavier_uniform_": median_ns(lambda: fastinit.xavier_uniform_(a), a.size),
        "kaiming_normal_": median_ns(lambda: fastinit.kaiming_normal_(a), a.size),
        "trunc_normal_": median_ns(lambda: fastinit.trunc_normal_(a), a.size),
    }
    peers = {
        "xavier_uniform_": {"NumPy random(out=)": median_ns(lambda: rng.random(out=a, dtype=np.float32), a.size)},
        "kaiming_normal_": {
            "NumPy standard_normal(out=)": median_ns(lambda: rng.standard_normal(out=a, dtype=np.float32), a.size)
        },
        "trunc_normal_": {},
    }
    if torch:
        torch.set_num_threads(1)
        for name in ours:
            tensor = torch.from_numpy(small if name == "trunc_normal_" else a)
            fill = getattr(torch.nn.init, name)
            peers[name]["torch"] = median_ns(lambda fill=fill, tensor=tensor: fill(tensor), tensor.numel(), 3)
    limit = median_ns(lambda: a.fill(1), a.size)
    print(f"speed, float32, one thread, ns a value (the limit, a.fill: {limit:.2f})")
    for name, time_ in ours.items():
        beside = "; ".join(f"{peer} {t:.2f}, {t / time_:.1f}x" for peer, t in peers[name].items())
        print(f"  {name:17}{time_:6.2f}   {beside}")
    fastinit.set_num_threads(threads)
    print(f"  kaiming_normal_ on {threads} threads: {median_ns(lambda: fastinit.kaiming_normal_(a), a.size):.2f}")
