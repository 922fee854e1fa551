"""The slow twin of the kernels: the same words by plain NumPy, and the values as mathematics says they should be.

Written from the description of the stream, not from the kernels, whose judge it is. Nothing else in the package uses
it.
"""

from collections.abc import Sequence

import numpy as np

LANES, ROWS = 32, 128
CHUNK = LANES * ROWS

_ROTATIONS = ((10, 26), (11, 21), (13, 27), (23, 5), (6, 20), (17, 11), (25, 10), (18, 20))


def _rotate(x: np.ndarray, n: int) -> np.ndarray:
    return (x << np.uint32(n)) | (x >> np.uint32(32 - n))


def threefry4x32(key: Sequence[np.ndarray], counter: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Threefry4x32-20 (Salmon et al. 2011).

    Parameters
    ----------
    key, counter : sequence of four uint32 arrays

    Returns
    -------
    list of four uint32 arrays

    Examples
    --------
    >>> import numpy as np
    >>> from fastinit import reference
    >>> zero = np.zeros((4, 1), np.uint32)
    >>> [hex(x[0]) for x in reference.threefry4x32(zero, zero)]
    ['0x9c6ca96a', '0xe17eae66', '0xfc10ecd4', '0x5256a7d8']
    """
    key = [np.asarray(k, np.uint32) for k in key]
    schedule = [*key, np.uint32(0x1BD11BDA) ^ key[0] ^ key[1] ^ key[2] ^ key[3]]
    x = [np.asarray(c, np.uint32) + k for c, k in zip(counter, key, strict=True)]
    for turn in range(20):
        pairs = ((0, 1), (2, 3)) if turn % 2 == 0 else ((0, 3), (2, 1))
        for (a, b), n in zip(pairs, _ROTATIONS[turn % 8], strict=True):
            x[a] = x[a] + x[b]
            x[b] = _rotate(x[b], n) ^ x[a]
        if turn % 4 == 3:
            number = turn // 4 + 1
            x = [v + schedule[(number + i) % 5] for i, v in enumerate(x)]
            x[3] = x[3] + np.uint32(number)
    return x


def words(seed: int, stream: int, chunk: int) -> np.ndarray:
    """The 32-bit words of one chunk.

    Parameters
    ----------
    seed, stream, chunk : int
        In [0, 2**64).

    Returns
    -------
    uint32 array of CHUNK words

    Examples
    --------
    >>> from fastinit import reference
    >>> reference.words(0, 0, 0).shape
    (4096,)
    """
    low, high = (
        [np.full(LANES, n >> shift & 0xFFFFFFFF, np.uint32) for n in (seed, stream, chunk)] for shift in (0, 32)
    )
    lanes = np.arange(LANES, dtype=np.uint32)
    a, b, c, d = threefry4x32([low[0], high[0], low[1], high[1]], [low[2], high[2], lanes, np.zeros_like(lanes)])
    out = np.empty((ROWS, LANES), np.uint32)
    for row in out:  # SFC32 (Doty-Humphrey)
        row[:] = a + b + d
        d = d + np.uint32(1)
        a, b, c = b ^ (b >> np.uint32(9)), c + (c << np.uint32(3)), _rotate(c, 21) + row
    return out.ravel()


def words64(w: np.ndarray) -> np.ndarray:
    """Consecutive pairs of words, the first one low: what a float64 value is made of.

    Examples
    --------
    >>> import numpy as np
    >>> from fastinit import reference
    >>> reference.words64(np.array([1, 2], np.uint32)).tolist()
    [8589934593]
    """
    wide = w.astype(np.uint64)
    return wide[::2] | wide[1::2] << np.uint64(32)


def uniform(w: np.ndarray, bits: int = 24) -> np.ndarray:
    """Points in (-1/2, 1/2), by float64 arithmetic: (k + 1/2) / 2**bits, k the words' signed high bits.

    Examples
    --------
    >>> import numpy as np
    >>> from fastinit import reference
    >>> reference.uniform(np.array([0], np.uint32)).tolist() == [2.0**-25]
    True
    """
    if bits == 24:
        return ((w.view(np.int32) >> 8) + 0.5) * 2.0**-24
    return ((w >> np.uint64(12)).astype(np.float64) - 2.0**51 + 0.5) * 2.0**-52


def normal32(w: np.ndarray) -> np.ndarray:
    """The normals of one chunk of 32-bit words, in float64: Box and Muller on rows 2r and 2r + 1.

    Examples
    --------
    >>> from fastinit import reference
    >>> z = reference.normal32(reference.words(0, 0, 0))
    >>> z.shape, bool(abs(z.mean()) < 0.1)
    ((4096,), True)
    """
    rows = w.reshape(-1, 2, LANES)
    a, b = rows[:, 0], rows[:, 1]
    t = np.abs(a.view(np.int32).astype(np.float64))
    u = np.where(t == 0, 2.0, t.astype(np.float32)) * 2.0**-31 / (1 + 2.0**-23)
    angle = ((b & np.uint32(0x7FFFFF)).astype(np.float64) + 0.5) * 2.0**-23 * np.pi / 4
    return _box_muller(np.sqrt(-2 * np.log(u)), angle, b >> np.uint32(31), a >> np.uint32(31), b >> np.uint32(30))


def normal64(w: np.ndarray) -> np.ndarray:
    """The normals of one chunk of 64-bit words, in long double where there is one.

    Examples
    --------
    >>> from fastinit import reference
    >>> reference.normal64(reference.words64(reference.words(0, 0, 0))).shape
    (2048,)
    """
    rows = w.reshape(-1, 2, LANES // 2)
    a, b = rows[:, 0], rows[:, 1]
    unit_a, unit_b = (((x >> np.uint64(12)).astype(np.longdouble) + 0.5) / np.longdouble(2) ** 52 for x in (a, b))
    pi = np.longdouble("3.14159265358979323846264338327950288")
    return _box_muller(np.sqrt(-2 * np.log(unit_a)), unit_b * pi / 4, b, b >> np.uint64(1), b >> np.uint64(2))


def _sign(bits: np.ndarray) -> np.ndarray:
    last: np.ndarray = bits & bits.dtype.type(1)
    return 1 - 2 * last.astype(np.int8)


def _box_muller(
    radius: np.ndarray, angle: np.ndarray, cosine_sign: np.ndarray, sine_sign: np.ndarray, swap: np.ndarray
) -> np.ndarray:
    c, s = radius * np.cos(angle) * _sign(cosine_sign), radius * np.sin(angle) * _sign(sine_sign)
    swapped = (swap & swap.dtype.type(1)).astype(bool)
    return np.stack([np.where(swapped, s, c), np.where(swapped, c, s)], axis=1).ravel()


def rank(w: np.ndarray, bits: int = 31) -> np.ndarray:
    """Where in its interval a truncated normal falls: the k-th of 2**bits equal shares of the probability.

    Its quantile is that of k + 1/2 shares.

    Examples
    --------
    >>> import numpy as np
    >>> from fastinit import reference
    >>> reference.rank(np.array([0, 2**32 - 1], np.uint32)).tolist()
    [0, 2147483647]
    """
    shares: np.ndarray = w >> w.dtype.type(1 if bits == 31 else 12)
    return shares.astype(np.int64)


def orthogonal(normals: np.ndarray, rows: int, columns: int, is_complex: bool = False) -> np.ndarray:
    """A matrix of orthonormal rows, by float64 arithmetic: a product of reflections of normal vectors, one by one.

    Stewart (1980), "The efficient generation of random orthogonal matrices with an application to condition
    estimators".

    Parameters
    ----------
    normals : array of shape (blocks, height, 64)
        The vector of reflection i is column i % 64 of block i // 64 from its component i % 64 on; blocks begin at their
        first reflection's own component. Complex ones are pairs of components, in the even columns.
    rows, columns : int
        rows <= columns.
    is_complex : bool

    Returns
    -------
    array of shape (rows, columns)

    Examples
    --------
    >>> import numpy as np
    >>> from fastinit import reference
    >>> q = reference.orthogonal(np.random.default_rng(0).normal(size=(1, 64, 64)), 3, 5)
    >>> bool(np.allclose(q @ q.T, np.eye(3)))
    True
    """
    parts = 2 if is_complex else 1
    q = np.zeros((columns, rows), np.complex128 if is_complex else np.float64)
    for i in reversed(range(rows)):
        block, column = divmod(parts * i, 64)
        x = normals[block, column : parts * columns - 64 * block, column].astype(np.float64)
        x = x[::2] + 1j * x[1::2] if is_complex else x
        direction = x[0] / abs(x[0])
        q[i, i] = direction if len(x) == 1 else -direction  # of R's diagonal: it becomes positive
        if len(x) > 1:
            x[0] += direction * np.linalg.norm(x)
            q[i:, i:] -= np.outer(x, x.conj() @ q[i:, i:]) * (2 / np.linalg.norm(x) ** 2)
    return q.T
