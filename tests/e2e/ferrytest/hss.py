"""Verifies HSS-LMS signatures (RFC 8554, SHA-256), from the RFC's layout alone."""

import hashlib
import struct

HEIGHTS = {5: 5, 6: 10, 7: 15, 8: 20, 9: 25}
OTS = {1: (1, 265, 7), 2: (2, 133, 6), 3: (4, 67, 4), 4: (8, 34, 0)}


class Bad(Exception):
    pass


def need(condition, what):
    if not condition:
        raise Bad(what)


def h(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def u32(data, at):
    return struct.unpack_from(">I", data, at)[0]


def digits(data, width):
    bits = "".join(f"{byte:08b}" for byte in data)
    return [int(bits[i:i + width], 2) for i in range(0, len(bits), width)]


def lms(public, message, signature):
    """Returns the leaf that signed."""
    need(len(public) == 56, "public key")
    height, (w, p, ls) = HEIGHTS[u32(public, 0)], OTS[u32(public, 4)]
    ident, root = public[8:24], public[24:]
    need(len(signature) == 12 + 32 * (1 + p + height), "length")
    leaf, tree_at = u32(signature, 0), 40 + 32 * p
    need(signature[4:8] == public[4:8] and leaf < 1 << height, "types, leaf")
    need(signature[tree_at:tree_at + 4] == public[:4], "tree type")
    prefix = ident + struct.pack(">I", leaf)
    q = h(prefix, b"\x81\x81", signature[8:40], message)
    check = sum((1 << w) - 1 - d for d in digits(q, w)) << ls
    ends = b""
    for i, start in enumerate(digits(q + struct.pack(">H", check), w)[:p]):
        value = signature[40 + 32 * i:72 + 32 * i]
        for j in range(start, (1 << w) - 1):
            value = h(prefix, struct.pack(">HB", i, j), value)
        ends += value
    node, r = h(prefix, b"\x80\x80", ends), (1 << height) + leaf
    node = h(ident, struct.pack(">I", r), b"\x82\x82", node)
    for level in range(height):
        at = tree_at + 4 + 32 * level
        other = signature[at:at + 32]
        pair = other + node if r & 1 else node + other
        r >>= 1
        node = h(ident, struct.pack(">I", r), b"\x83\x83", pair)
    need(node == root, "root")
    return leaf


def verify(public, message, signature):
    """Returns the leaves that signed, from the top down."""
    need(len(public) == 60, "public key")
    levels = u32(public, 0)
    need(1 <= levels <= 8 and u32(signature, 0) == levels - 1, "levels")
    key, at, leaves = public[4:], 4, []
    for _ in range(levels - 1):
        end = at + 12 + 32 * (1 + OTS[u32(key, 4)][1] + HEIGHTS[u32(key, 0)])
        following = signature[end:end + 56]
        leaves.append(lms(key, following, signature[at:end]))
        key, at = following, end + 56
    leaves.append(lms(key, message, signature[at:]))
    return leaves
