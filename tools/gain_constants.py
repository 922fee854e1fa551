"""Print the constants of python/fastinit/activations.py: the gains 1/sqrt(E f(x)^2) and 1/sqrt(E f'(x)^2), x ~ N(0, 1),
by quadrature in 40 digits, and the bounds beyond which f' stays below 1 - 0.97^2 of its largest.

Run: python tools/gain_constants.py
"""

import mpmath as mp

mp.mp.dps = 40

SELU_SCALE, SELU_ALPHA = mp.mpf("1.0507009873554804934193349852946"), mp.mpf("1.6732632423543772848170429916717")

INNER = mp.mpf("0.044715")  # Hendrycks and Gimpel (2016)


def sigmoid(x):
    return 1 / (1 + mp.exp(-x))


def softplus(x):
    return mp.log(1 + mp.exp(x))


def step(x):
    return 1 if x > 0 else 0


# name -> f, f', and the kinks
ACTIVATIONS = {
    "linear": (lambda x: x, lambda x: 1, []),
    "sigmoid": (sigmoid, lambda x: sigmoid(x) * sigmoid(-x), []),
    "tanh": (mp.tanh, lambda x: mp.sech(x) ** 2, []),
    "relu": (lambda x: max(x, 0), step, [0]),
    "leaky_relu": (lambda x: x if x > 0 else x / 100, lambda x: 1 if x > 0 else mp.mpf(1) / 100, [0]),
    "elu": (lambda x: x if x > 0 else mp.expm1(x), lambda x: 1 if x > 0 else mp.exp(x), [0]),
    "selu": (
        lambda x: SELU_SCALE * (x if x > 0 else SELU_ALPHA * mp.expm1(x)),
        lambda x: SELU_SCALE * (1 if x > 0 else SELU_ALPHA * mp.exp(x)),
        [0],
    ),
    "gelu": (lambda x: x * mp.ncdf(x), lambda x: mp.ncdf(x) + x * mp.npdf(x), []),
    "gelu_tanh": (
        lambda x: x / 2 * (1 + mp.tanh(mp.sqrt(2 / mp.pi) * (x + INNER * x**3))),
        lambda x: (
            (1 + mp.tanh(mp.sqrt(2 / mp.pi) * (x + INNER * x**3))) / 2
            + x
            / 2
            * mp.sech(mp.sqrt(2 / mp.pi) * (x + INNER * x**3)) ** 2
            * mp.sqrt(2 / mp.pi)
            * (1 + 3 * INNER * x * x)
        ),
        [],
    ),
    "silu": (lambda x: x * sigmoid(x), lambda x: sigmoid(x) * (1 + x * (1 - sigmoid(x))), []),
    "mish": (
        lambda x: x * mp.tanh(softplus(x)),
        lambda x: mp.tanh(softplus(x)) + x * sigmoid(x) * mp.sech(softplus(x)) ** 2,
        [],
    ),
    "softplus": (softplus, sigmoid, []),
    "softsign": (lambda x: x / (1 + abs(x)), lambda x: 1 / (1 + abs(x)) ** 2, [0]),
    "hardtanh": (lambda x: max(-1, min(1, x)), lambda x: 1 if -1 < x < 1 else 0, [-1, 1]),
    "hardsigmoid": (lambda x: max(0, min(6, x + 3)) / mp.mpf(6), lambda x: mp.mpf(-3 < x < 3) / 6, [-3, 3]),
    "hardswish": (
        lambda x: x * max(0, min(6, x + 3)) / 6,
        lambda x: 0 if x < -3 else 1 if x > 3 else (2 * x + 3) / 6,
        [-3, 3],
    ),
    "relu6": (lambda x: max(0, min(6, x)), lambda x: 1 if 0 < x < 6 else 0, [0, 6]),
    "squared_relu": (lambda x: max(x, 0) ** 2, lambda x: 2 * max(x, 0), [0]),
    "sin": (mp.sin, mp.cos, []),
}


def gain(f, kinks):
    points = sorted({-20, -12, -6, -2, 0, 2, 6, 12, 20, *kinks})
    return 1 / mp.sqrt(mp.quad(lambda x: f(mp.mpf(x)) ** 2 * mp.npdf(x), points))


def saturation(derivative):
    """(lo, hi): below lo and above hi |f'| stays under 1 - 0.97^2 of its largest; infinite where it never does."""
    grid = [mp.mpf(i) / 100 for i in range(-4000, 4001)]
    sizes = [abs(derivative(x)) for x in grid]
    floor = (1 - mp.mpf("0.97") ** 2) * max(sizes)
    large = [i for i, size in enumerate(sizes) if size >= floor]

    def edge(small, big):
        for _ in range(80):
            middle = (small + big) / 2
            small, big = (small, middle) if abs(derivative(middle)) >= floor else (middle, big)
        return big

    lo = edge(grid[large[0] - 1], grid[large[0]]) if large[0] > 0 else -mp.inf
    hi = edge(grid[large[-1] + 1], grid[large[-1]]) if large[-1] < len(grid) - 1 else mp.inf
    return lo, hi


if __name__ == "__main__":
    for name, (f, derivative, kinks) in ACTIVATIONS.items():
        bounds = ", ".join(repr(float(x)) for x in saturation(derivative))
        print(f"{name}: {mp.nstr(gain(f, kinks), 17)}, {mp.nstr(gain(derivative, kinks), 17)}; ({bounds})", flush=True)
