"""Hashes of strings, on the host: those by which Keras puts strings into bins."""

from __future__ import annotations

from collections.abc import Sequence

_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F
_CAT = 0xC6A4A7935BD1E995
_MASK = (1 << 64) - 1


def bucket(text: bytes, bins: int, salt: Sequence[int] | None = None) -> int:
    """The bin of a string, from 0 to below `bins`.

    Args:
        text: its bytes.
        bins: how many bins there are.
        salt: two numbers that make it another hash; None: the fast one.

    Example:
        >>> [bucket(text, 3) for text in (b"a", b"b", b"c")]
        [0, 1, 1]
    """
    return (fingerprint(text) if salt is None else siphash(text, salt)) % bins


def fingerprint(s: bytes) -> int:
    """FarmHash's fingerprint of 64 bits.

    Source: github.com/google/farmhash, Fingerprint64
    """
    if len(s) <= 16:
        return _up_to_16(s)
    if len(s) <= 32:
        return _up_to_32(s)
    return _up_to_64(s) if len(s) <= 64 else _longer(s)


def _eight(s: bytes, at: int) -> int:
    return int.from_bytes(s[at : at + 8], "little")


def _turned(x: int, by: int) -> int:
    x &= _MASK
    return (x >> by | x << (64 - by)) & _MASK


def _shifted(x: int) -> int:
    x &= _MASK
    return x ^ x >> 47


def _mixed(u: int, v: int, factor: int) -> int:
    a = _shifted((u ^ v) * factor)
    return _shifted((v ^ a) * factor) * factor & _MASK


def _up_to_16(s: bytes) -> int:
    size = len(s)
    factor = _K2 + 2 * size
    if size >= 8:
        a, b = _eight(s, 0) + _K2 & _MASK, _eight(s, size - 8)
        c = _turned(b, 37) * factor + a & _MASK
        return _mixed(c, (_turned(a, 25) + b) * factor & _MASK, factor)
    if size >= 4:
        first, last = (int.from_bytes(s[at : at + 4], "little") for at in (0, size - 4))
        return _mixed(size + (first << 3), last, factor)
    if size:
        y, z = s[0] + (s[size >> 1] << 8), size + (s[-1] << 2)
        return _shifted(y * _K2 & _MASK ^ z * _K0 & _MASK) * _K2 & _MASK
    return _K2


def _halves(s: bytes) -> tuple[int, ...]:
    size = len(s)
    factor = _K2 + 2 * size
    a, b = _eight(s, 0), _eight(s, 8)
    return factor, a, b, _eight(s, size - 8) * factor, _eight(s, size - 16) * _K2


def _up_to_32(s: bytes) -> int:
    factor, a, b, c, d = _halves(s)
    a *= _K1
    first = _turned(a + b, 43) + _turned(c, 30) + d
    return _mixed(first & _MASK, a + _turned(b + _K2, 18) + c & _MASK, factor)


def _up_to_64(s: bytes) -> int:
    size = len(s)
    factor, a, b, c, d = _halves(s)
    a *= _K2
    y = _turned(a + b, 43) + _turned(c, 30) + d & _MASK
    z = _mixed(y, a + _turned(b + _K2, 18) + c & _MASK, factor)
    e, f = _eight(s, 16) * factor, _eight(s, 24)
    g, h = (y + _eight(s, size - 32)) * factor, (z + _eight(s, size - 24)) * factor
    first = _turned(e + f, 43) + _turned(g, 30) + h
    return _mixed(first & _MASK, e + _turned(f + a, 18) + g & _MASK, factor)


def _weak(s: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    w, x, y, z = (_eight(s, at + i) for i in (0, 8, 16, 24))
    a = a + w
    b, c = _turned(b + a + z, 21), a
    a = a + x + y
    return a + z & _MASK, b + _turned(a, 44) + c & _MASK


def _longer(s: bytes) -> int:
    x, y = 81, 81 * _K1 + 113 & _MASK
    z = _shifted(y * _K2 + 113) * _K2 & _MASK
    v, w, factor = (0, 0), (0, 0), _K1
    x = x * _K2 + _eight(s, 0)
    rest = (len(s) - 1) % 64
    whole = range(0, len(s) - 1 - rest, 64)
    for at, factor, nine in [*((at, _K1, 1) for at in whole), (len(s) - 64, 0, 9)]:
        if nine == 9:  # the last 64 bytes, which may have been seen in part
            factor = _K1 + ((z & 0xFF) << 1)
            w = w[0] + rest, w[1]
            v = v[0] + w[0], v[1]
            w = w[0] + v[0], w[1]
        x = _turned(x + y + v[0] + _eight(s, at + 8), 37) * factor
        y = _turned(y + v[1] + _eight(s, at + 48), 42) * factor
        x = (x ^ w[1] * nine) & _MASK
        y = y + v[0] * nine + _eight(s, at + 40)
        z = _turned(z + w[0], 33) * factor
        v = _weak(s, at, v[1] * factor, x + w[0])
        w = _weak(s, at + 32, z + w[1], y + _eight(s, at + 16))
        z, x = x, z & _MASK
    first = _mixed(v[0], w[0], factor) + _shifted(y) * _K0 + z
    return _mixed(first & _MASK, _mixed(v[1], w[1], factor) + x & _MASK, factor)


def crossed(values: Sequence[bytes | int], bins: int) -> int:
    """The bin of a combination of strings and whole numbers, as TensorFlow's `sparse.cross_hashed` has it.

    Example:
        >>> crossed([b"a", 1], 1000) == crossed([1, b"a"], 1000)
        False
    """
    hashed = 0xDECAFCAFFE
    for value in values:
        part = fingerprint(value) if isinstance(value, bytes) else value & _MASK
        joined = (hashed ^ _CAT ^ _shifted(part * _CAT) * _CAT) * _CAT
        hashed = _shifted(_shifted(joined) * _CAT)
    return hashed % bins


def siphash(s: bytes, key: Sequence[int]) -> int:
    """SipHash-2-4 of 64 bits.

    Source: Aumasson and Bernstein, SipHash: a fast short-input PRF (2012)
    """
    k0, k1 = (int(k) & _MASK for k in key)
    state = [
        k0 ^ 0x736F6D6570736575,
        k1 ^ 0x646F72616E646F6D,
        k0 ^ 0x6C7967656E657261,
        k1 ^ 0x7465646279746573,
    ]
    whole = len(s) // 8 * 8
    words = [_eight(s, at) for at in range(0, whole, 8)]
    words.append(int.from_bytes(s[whole:], "little") | (len(s) & 0xFF) << 56)
    for word in words:
        state[3] ^= word
        _rounds(state, 2)
        state[0] ^= word
    state[2] ^= 0xFF
    _rounds(state, 4)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _rounds(v: list[int], count: int) -> None:
    def left(x: int, by: int) -> int:
        return _turned(x, 64 - by)

    for _ in range(count):
        v[0], v[2] = v[0] + v[1] & _MASK, v[2] + v[3] & _MASK
        v[1], v[3] = left(v[1], 13) ^ v[0], left(v[3], 16) ^ v[2]
        v[0], v[2] = left(v[0], 32) + v[3] & _MASK, v[2] + v[1] & _MASK
        v[1], v[3] = left(v[1], 17) ^ v[2], left(v[3], 21) ^ v[0]
        v[2] = left(v[2], 32)
