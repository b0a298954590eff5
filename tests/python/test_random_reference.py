"""The random numbers' algorithm, written a second time in NumPy, against the extension, bit for bit.

This file is the executable half of docs/random.md: it shares nothing with the C++ code, and the vectors
in that document are checked against it. NumPy's additions, multiplications, divisions and square roots of float32 and
float64 arrays are IEEE 754's, one rounding each, as the algorithm asks.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glueball import _core

f32 = np.float32
Array = np.ndarray[Any, Any]

DOCUMENT = Path(__file__).parents[2] / "docs" / "random.md"


def philox(counter: list[Array], key: list[int]) -> list[Array]:
    """Ten rounds; `counter` is four arrays of 32-bit words held in uint64."""
    x0, x1, x2, x3 = counter
    k0, k1 = key
    low = np.uint64(0xFFFFFFFF)
    for _ in range(10):
        a = np.uint64(0xD2511F53) * x0
        b = np.uint64(0xCD9E8D57) * x2
        x0, x1, x2, x3 = (
            (b >> np.uint64(32)) ^ x1 ^ np.uint64(k0),
            b & low,
            (a >> np.uint64(32)) ^ x3 ^ np.uint64(k1),
            a & low,
        )
        k0 = (k0 + 0x9E3779B9) & 0xFFFFFFFF
        k1 = (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return [x0, x1, x2, x3]


def words(seed: int, stream: int, begin: int, count: int) -> Array:
    """Elements begin .. begin + count - 1 of a stream of words, as uint32 of shape (count,)."""
    i = np.uint64(begin) + np.arange(count, dtype=np.uint64)
    block = np.uint64(16) * (i // np.uint64(64)) + i % np.uint64(16)
    low = np.uint64(0xFFFFFFFF)
    same = np.ones_like(i)
    rows = philox(
        [
            block & low,
            block >> np.uint64(32),
            same * np.uint64(stream & 0xFFFFFFFF),
            same * np.uint64(stream >> 32),
        ],
        [seed & 0xFFFFFFFF, seed >> 32],
    )
    which = (i % np.uint64(64) // np.uint64(16)).astype(np.intp)
    return np.stack(rows)[which, np.arange(count)].astype(np.uint32)


def horner(x: Array, coefficients: list[float]) -> Array:
    """Return the polynomial with these coefficients, highest power first, in x's type."""
    kind = x.dtype.type
    result = np.full_like(x, kind(coefficients[0]))
    for coefficient in coefficients[1:]:
        result = result * x + kind(coefficient)
    return result


def unit_uniform(word: Array) -> Array:
    return (word >> np.uint32(8)).astype(f32) * f32(2.0**-24)


def minus_two_log(word: Array) -> Array:
    u = ((word >> np.uint32(1)).astype(f32) + f32(0.5)) * f32(2.0**-31)
    bits = u.view(np.int32)
    exponent = (bits - np.int32(0x3F3504F3)) >> np.int32(23)
    f = (bits - exponent * np.int32(1 << 23)).view(f32) - f32(1)
    p = horner(
        f,
        [
            0.15268996,
            -0.25523156,
            0.26320365,
            -0.28403515,
            0.33246714,
            -0.40002453,
            0.5000164,
            -0.6666666,
        ],
    )
    square = f * f
    return ((square * f * p + square) - f32(2) * f) + exponent.astype(f32) * f32(-1.3862944)


def turn(word: Array) -> tuple[Array, Array]:
    """Cosine and sine of 2 pi word / 2^32."""
    shifted = word + np.uint32(1 << 29)
    rest = (shifted & np.uint32((1 << 30) - 1)).astype(np.int32) - np.int32(1 << 29)
    quarter = shifted >> np.uint32(30)
    v = rest.astype(f32) * f32(2.0**-32)
    square = v * v
    s = horner(square, [-75.393562, 81.592354, -41.341661, 6.2831853]) * v
    c = horner(square, [59.229244, -85.443236, 64.939322, -19.739209, 1.0])
    cosine = np.choose(quarter, [c, -s, -c, s])
    sine = np.choose(quarter, [s, c, -s, -c])
    return cosine, sine


def unit_normal(seed: int, stream: int, begin: int, count: int) -> Array:
    # Whole chunks of 64, because words 0 and 1 (2 and 3) of a block go together.
    first = begin // 64 * 64
    chunks = (begin + count - first + 63) // 64
    word = words(seed, stream, first, 64 * chunks).reshape(chunks, 2, 2, 16)
    radius = np.sqrt(minus_two_log(word[:, :, 0]))
    cosine, sine = turn(word[:, :, 1])
    z = np.stack([radius * cosine, radius * sine], axis=2).reshape(-1)
    return z[begin - first :][:count]


def two_sigma(word: Array) -> Array:
    centred = (word >> np.uint32(8)).astype(np.int32) - np.int32(1 << 23)
    x = (centred.astype(f32) + f32(0.5)) * (f32(0.9544997) * f32(2.0**-23))
    r = f32(0.9375) - x * x
    p = horner(r, [10.395186, 116.06809, 137.35188, 35.987385, 2.2178796])
    q = horner(r, [24.227946, 111.3609, 89.548752, 18.713985, 1.0])
    return x * (p / q)


def natural_log(x: Array) -> Array:
    bits = x.view(np.int64)
    exponent = (bits - np.int64(0x3FE6A09E667F3BCD)) >> np.int64(52)
    m = (bits - exponent * np.int64(1 << 52)).view(np.float64)
    s = (m - 1.0) / (m + 1.0)
    square = s * s
    p = horner(square, [1.0 / n for n in range(21, 2, -2)])
    return (2.0 * s + 2.0 * s * square * p) + exponent * 0.69314718055994530942


def quantile_of_root(root: Array) -> Array:
    """AS 241, PPND16, where sqrt(-ln p) is `root`, for p < 0.075 and down to exp(-27^2)."""
    r = root - 1.6
    tail = horner(
        r,
        [
            7.74545014278341407640e-4,
            2.27238449892691845833e-2,
            2.41780725177450611770e-1,
            1.27045825245236838258e0,
            3.64784832476320460504e0,
            5.76949722146069140550e0,
            4.63033784615654529590e0,
            1.42343711074968357734e0,
        ],
    ) / horner(
        r,
        [
            1.05075007164441684324e-9,
            5.47593808499534494600e-4,
            1.51986665636164571966e-2,
            1.48103976427480074590e-1,
            6.89767334985100004550e-1,
            1.67638483018380384940e0,
            2.05319162663775882187e0,
            1.0,
        ],
    )
    r = root - 5.0
    far = horner(
        r,
        [
            2.01033439929228813265e-7,
            2.71155556874348757815e-5,
            1.24266094738807843860e-3,
            2.65321895265761230930e-2,
            2.96560571828504891230e-1,
            1.78482653991729133580e0,
            5.46378491116411436990e0,
            6.65790464350110377720e0,
        ],
    ) / horner(
        r,
        [
            2.04426310338993978564e-15,
            1.42151175831644588870e-7,
            1.84631831751005468180e-5,
            7.86869131145613259100e-4,
            1.48753612908506148525e-2,
            1.36929880922735805310e-1,
            5.99832206555887937690e-1,
            1.0,
        ],
    )
    return np.where(root <= 5.0, tail, far)


def quantile(p: Array) -> Array:
    """AS 241, PPND16, of tail probabilities up to 1/2: how many sigmas away the tail begins."""
    h = 0.5 - p
    r = 0.180625 - h * h
    middle = (
        h
        * horner(
            r,
            [
                2.5090809287301226727e3,
                3.3430575583588128105e4,
                6.7265770927008700853e4,
                4.5921953931549871457e4,
                1.3731693765509461125e4,
                1.9715909503065514427e3,
                1.3314166789178437745e2,
                3.3871328727963666080e0,
            ],
        )
        / horner(
            r,
            [
                5.2264952788528545610e3,
                2.8729085735721942674e4,
                3.9307895800092710610e4,
                2.1213794301586595867e4,
                5.3941960214247511077e3,
                6.8718700749205790830e2,
                4.2313330701600911252e1,
                1.0,
            ],
        )
    )
    tail = quantile_of_root(np.sqrt(-natural_log(p)))
    return np.where(h <= 0.425, middle, tail)


def deep_quantile(depth: Array) -> Array:
    """Return the quantile of the probability exp(-depth), for depths of 10 and more."""
    root = np.sqrt(depth)
    y = depth
    for _ in range(6):
        correction = (0.5 - 0.625 / y) / y
        y = depth - 0.5 * natural_log(12.566370614359172954 * y) - correction
    beyond = np.sqrt(2.0 * y)
    # AS 241's last two ranges, which go by the root alone; the root decides which.
    inside = quantile_of_root(np.minimum(root, 27.0))
    return np.where(root <= 27.0, inside, beyond)


def bisect(low: float, high: float, is_below: Callable[[Array], Array]) -> float:
    """Return the least double in (low, high] for which `is_below` is false, by halving bit patterns."""
    first, last = (int(x) for x in np.array([low, high]).view(np.int64))
    while last - first > 1:
        middle = first + (last - first) // 2
        if is_below(np.array([middle], np.int64).view(np.float64))[0]:
            first = middle
        else:
            last = middle
    return float(np.array([last], np.int64).view(np.float64)[0])


def tail_probability(distance: float) -> float:
    if distance > quantile(np.array([1e-300]))[0]:
        return 0.0
    return bisect(1e-300, 0.5, lambda p: quantile(p) > distance)


def tail_depth(distance: float) -> float:
    return bisect(10.0, distance * distance + 40.0, lambda d: deep_quantile(d) < distance)


def unit_far(word: Array, low: float, high: float) -> Array:
    """Return the unit normal cut at low and high, both over 5 sigmas from 0 on the same side."""
    mirrored = high > -low
    if mirrored:
        low, high = -high, -low
    near_depth = tail_depth(-high)
    beyond = 0.0
    if low > -1e6:
        difference = tail_depth(-low) - near_depth
        if difference < 600.0:
            beyond = bisect(1e-300, 1.0, lambda share: natural_log(share) < -difference)
    v = (word.astype(np.float64) + 0.5) * 2.0**-32
    share = beyond + (1.0 - beyond) * v
    z = deep_quantile(near_depth - natural_log(share))
    return (z if mirrored else -z).astype(f32)


def unit_truncated(word: Array, low: float, high: float) -> Array:
    """Return the unit normal cut at low and high, of which the nearer is within 5 sigmas of 0."""
    mirrored = high > -low
    if mirrored:
        low, high = -high, -low
    below = tail_probability(-low)
    tail = tail_probability(abs(high))
    above, not_above = (tail, 1.0 - tail) if high > 0 else (1.0 - tail, tail)
    inside = not_above - below
    from_low = word < np.uint32(1 << 31)
    step = np.where(from_low, word, ~word)
    v = (step.astype(np.float64) + 0.5) * 2.0**-32 * inside
    near_side = np.where(from_low, below, above) + v
    other_side = np.where(from_low, 1.0 - below, not_above) - v
    is_near = near_side <= other_side
    z = quantile(np.minimum(np.where(is_near, near_side, other_side), 0.5))
    negative = (is_near == from_low) != mirrored
    return np.where(negative, -z, z).astype(f32)


def inside(x: Array, low: float, high: float, *, high_is_in: bool) -> Array:
    """Clamped to the numbers of x's type in [low, high) or [low, high]."""
    kind = x.dtype.type
    smallest, largest = kind(low), kind(high)
    if float(smallest) < low:
        smallest = np.nextafter(smallest, kind(np.inf))
    if float(largest) > high or (not high_is_in and float(largest) == high):
        largest = np.nextafter(largest, kind(-np.inf))
    return np.minimum(np.maximum(x, smallest), largest)


def uniform(
    seed: int, stream: int, begin: int, count: int, kind: Any, low: float, high: float
) -> Array:
    u = unit_uniform(words(seed, stream, begin, count)).astype(kind)
    return inside(kind(low) + kind(high - low) * u, low, high, high_is_in=False)


def normal(
    seed: int, stream: int, begin: int, count: int, kind: Any, mean: float, sigma: float
) -> Array:
    return kind(mean) + kind(sigma) * unit_normal(seed, stream, begin, count).astype(kind)


def truncated_normal(
    seed: int,
    stream: int,
    begin: int,
    count: int,
    kind: Any,
    mean: float,
    sigma: float,
    low: float,
    high: float,
) -> Array:
    word = words(seed, stream, begin, count)
    a, b = (low - mean) / sigma, (high - mean) / sigma
    if abs(a + 2) < 1e-9 and abs(b - 2) < 1e-9:
        z = two_sigma(word)
    elif a > 5 or b < -5:
        z = unit_far(word, a, b)
    else:
        z = unit_truncated(word, a, b)
    return inside(kind(mean) + kind(sigma) * z.astype(kind), low, high, high_is_in=True)


def parameter_stream(path: str, call: int) -> int:
    mask = (1 << 64) - 1
    value = 0xCBF29CE484222325
    for byte in path.encode():
        value = (value ^ byte) * 0x100000001B3 & mask
    value = (value + (call + 1) * 0x9E3779B97F4A7C15) & mask
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 & mask
    value = (value ^ value >> 27) * 0x94D049BB133111EB & mask
    return value ^ value >> 31


@pytest.mark.parametrize(
    ("counter", "key", "output"),
    [
        ((0, 0, 0, 0), (0, 0), "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ],
    ids=["zeros", "ones", "pi"],
)
def test_philox_has_the_published_words(
    counter: tuple[int, ...], key: tuple[int, ...], output: str
) -> None:
    result = philox([np.array([c], np.uint64) for c in counter], list(key))

    assert " ".join(f"{int(x[0]):08x}" for x in result) == output


PLACES = [(0, 0, 0, 300), (1, 2, 37, 200), (2**64 - 1, 2**63 + 5, 2**40 + 11, 129)]
KINDS = [np.float32, np.float64]


def generator(seed: int, stream: int, begin: int) -> Any:
    result = _core.Generator(seed, stream)
    result.position = begin
    return result


def assert_same_bits(found: Array, expected: Array) -> None:
    kind = {4: np.uint32, 8: np.uint64}[expected.itemsize]
    np.testing.assert_array_equal(
        np.asarray(found).view(kind), np.ascontiguousarray(expected).view(kind)
    )


@pytest.mark.parametrize(("seed", "stream", "begin", "count"), PLACES)
def test_words(seed: int, stream: int, begin: int, count: int) -> None:
    g = generator(seed, stream, begin)

    assert_same_bits(g.words(count), words(seed, stream, begin, count))
    assert g.position == begin + count


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("seed", "stream", "begin", "count"), PLACES)
@pytest.mark.parametrize("limits", [(0.0, 1.0), (-0.07, 0.07), (0.1, 0.3), (1.0, 1.0 + 2**-22)])
def test_uniform(
    seed: int, stream: int, begin: int, count: int, kind: Any, limits: tuple[float, float]
) -> None:
    out = np.empty(count, kind)
    generator(seed, stream, begin).uniform(out, *limits)

    assert_same_bits(out, uniform(seed, stream, begin, count, kind, *limits))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("seed", "stream", "begin", "count"), [*PLACES, (3, 4, 5, 200_000)])
def test_normal(seed: int, stream: int, begin: int, count: int, kind: Any) -> None:
    out = np.empty(count, kind)
    generator(seed, stream, begin).normal(out, 0.5, 0.1)

    assert_same_bits(out, normal(seed, stream, begin, count, kind, 0.5, 0.1))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("seed", "stream", "begin", "count"), [*PLACES, (3, 4, 5, 200_000)])
@pytest.mark.parametrize(
    ("mean", "sigma", "low", "high"),
    [
        (0.0, 1.0, -2.0, 2.0),
        (0.5, 0.1, 0.3, 0.7),
        (0.0, 0.02, -2.0, 2.0),
        (1.0, 1.0, 0.5, 4.0),
        (0.0, 1.0, 0.0, np.inf),
        (0.0, 1.0, -4.5, -3.0),
        (0.0, 1.0, 8.0, 9.0),
        (0.0, 1.0, 24.0, 24.01),
        (0.0, 1.0, -np.inf, -50.0),
    ],
    ids=[
        "two sigma",
        "two sigma of a mean",
        "cuts nothing",
        "around",
        "half",
        "one side",
        "tail",
        "thin slice of a tail",
        "far tail",
    ],
)
def test_truncated_normal(
    seed: int,
    stream: int,
    begin: int,
    count: int,
    kind: Any,
    mean: float,
    sigma: float,
    low: float,
    high: float,
) -> None:
    out = np.empty(count, kind)
    generator(seed, stream, begin).truncated_normal(out, mean, sigma, low, high)

    expected = truncated_normal(seed, stream, begin, count, kind, mean, sigma, low, high)
    assert_same_bits(out, expected)


@pytest.mark.parametrize("path", ["", "a", "0.weight", "encoder.2.bias", "größe.weight"])
@pytest.mark.parametrize("call", [0, 1, 2**40])
def test_parameter_stream(path: str, call: int) -> None:
    assert _core.parameter_stream(path, call) == parameter_stream(path, call)


def vectors() -> dict[str, list[str]]:
    """Return the rows of the document's table of vectors: what was drawn, and its first elements."""
    rows = {}
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        cells = re.findall(r"`([^`]*)`", line)
        if line.startswith("| `") and len(cells) == 2:
            rows[cells[0]] = cells[1].split()
    return rows


def row(call: str) -> list[str]:
    """One row as the reference computes it: hexadecimal words, or the numbers' shortest decimals."""
    if call.startswith("stream "):
        _, path, calls = call.split()
        return [f"{parameter_stream(path, int(calls)):016x}"]
    name, settings = re.fullmatch(r"(\w+)\((.*)\)", call).groups()  # type: ignore[union-attr]
    numbers = [float(x) for x in settings.split(", ")] if settings else []
    seed, stream, begin, count = 2026, 7, 60, 8
    if name == "words":
        return [f"{x:08x}" for x in words(seed, stream, begin, count)]
    function = {"uniform": uniform, "normal": normal, "truncated_normal": truncated_normal}[name]
    return [str(x) for x in function(seed, stream, begin, count, np.float32, *numbers)]


@pytest.mark.skipif(not DOCUMENT.exists(), reason="the documents are not beside the tests")
def test_the_document_has_the_reference_vectors() -> None:
    rows = vectors()

    kinds = {re.split(r"[( ]", call)[0] for call in rows}
    assert kinds == {"words", "uniform", "normal", "truncated_normal", "stream"}
    for call, expected in rows.items():
        assert row(call) == expected, call
