"""Print the gains in python/fastinit/gains.py: 1/sqrt(E f(x)^2) and 1/sqrt(E f'(x)^2), x ~ N(0, 1), by quadrature in 40 digits.

Run: python tools/gain_constants.py
"""

import mpmath as mp

mp.mp.dps = 40

SELU_SCALE, SELU_ALPHA = mp.mpf("1.0507009873554804934193349852946"), mp.mpf("1.6732632423543772848170429916717")


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
    "silu": (lambda x: x * sigmoid(x), lambda x: sigmoid(x) * (1 + x * (1 - sigmoid(x))), []),
    "mish": (
        lambda x: x * mp.tanh(softplus(x)),
        lambda x: mp.tanh(softplus(x)) + x * sigmoid(x) * mp.sech(softplus(x)) ** 2,
        [],
    ),
    "softplus": (softplus, sigmoid, []),
    "softsign": (lambda x: x / (1 + abs(x)), lambda x: 1 / (1 + abs(x)) ** 2, [0]),
    "hardtanh": (lambda x: max(-1, min(1, x)), lambda x: 1 if -1 < x < 1 else 0, [-1, 1]),
    "hardswish": (
        lambda x: x * max(0, min(6, x + 3)) / 6,
        lambda x: 0 if x < -3 else 1 if x > 3 else (2 * x + 3) / 6,
        [-3, 3],
    ),
    "squared_relu": (lambda x: max(x, 0) ** 2, lambda x: 2 * max(x, 0), [0]),
    "sin": (mp.sin, mp.cos, []),
}


def gain(f, kinks):
    points = sorted({-20, -12, -6, -2, 0, 2, 6, 12, 20, *kinks})
    return 1 / mp.sqrt(mp.quad(lambda x: f(mp.mpf(x)) ** 2 * mp.npdf(x), points))


if __name__ == "__main__":
    for name, (f, derivative, kinks) in ACTIVATIONS.items():
        print(f"{name}: {mp.nstr(gain(f, kinks), 17)}, {mp.nstr(gain(derivative, kinks), 17)}")
