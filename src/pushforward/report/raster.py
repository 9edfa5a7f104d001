"""Clouds of points and shades as small PNG pictures with a transparent ground."""

import base64
import struct
import zlib
from collections.abc import Sequence

import numpy as np

# Seen on white and on near black alike.
DATA, SAMPLES = (68, 134, 214), (224, 122, 63)
QUADRANTS = ((68, 134, 214), (224, 122, 63), (62, 158, 110), (186, 98, 184))
_LEVELS = 24


def cloud(
    groups: Sequence[tuple[np.ndarray, tuple[int, int, int]]],
    x: tuple[float, float],
    y: tuple[float, float],
    *,
    size: int = 330,
    opacity: float = 0.55,
) -> str:
    """Points of several colours, each group [points, 2]; where colours meet the commoner one is seen.

    Args:
        groups: points and colour.
        x: from, to.
        y: from, to.
        size: pixels of a side.
        opacity: of one point.

    Returns:
        a data URI.
    """
    few = sum(len(points) for points, _ in groups) < 700
    counts = np.stack([_count(points, x, y, size) for points, _ in groups])
    for _ in range(2 if few else 1):
        counts = np.stack([_spread(count) for count in counts])
    alpha = 1.0 - (1.0 - opacity) ** np.sum(counts, axis=0)
    return _png(alpha, np.argmax(counts, axis=0), [colour for _, colour in groups])


def shade(alpha: np.ndarray, colour: tuple[int, int, int]) -> str:
    """A picture of one colour, `alpha` [height, width] in [0, 1], the first row on top; a data URI."""
    return _png(alpha, np.zeros(alpha.shape, np.int64), [colour], levels=100)


def opacity_for(points: int) -> float:
    """Many points are drawn fainter, so that a cloud keeps its inner structure."""
    return float(np.clip(20.0 / np.sqrt(max(points, 1)), 0.15, 0.9))


def _count(points: np.ndarray, x: tuple[float, float], y: tuple[float, float], size: int) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        column = (np.asarray(points[:, 0], np.float64) - x[0]) / (x[1] - x[0]) * size
        row = (1 - (np.asarray(points[:, 1], np.float64) - y[0]) / (y[1] - y[0])) * size
        inside = (column >= 0) & (column < size) & (row >= 0) & (row < size)
    place = row[inside].astype(np.int64) * size + column[inside].astype(np.int64)
    return np.bincount(place, minlength=size * size).reshape(size, size).astype(np.float64)


def _spread(count: np.ndarray) -> np.ndarray:
    """A pixel becomes a small disc."""
    padded = np.pad(count, 1)
    height, width = count.shape
    out = np.zeros_like(count)
    for dy, dx, share in ((0, 0, 1.0), (0, 1, 0.75), (1, 0, 0.75), (0, -1, 0.75), (-1, 0, 0.75)):
        out += share * padded[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]
    for dy, dx in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        out += 0.3 * padded[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]
    return out


def _png(
    alpha: np.ndarray, group: np.ndarray, colours: Sequence[tuple[int, int, int]], *, levels: int = _LEVELS
) -> str:
    """A palette of each colour in `levels` opacities; number 0 is transparent."""
    level = np.rint(np.clip(alpha, 0.0, 1.0) * levels).astype(np.int64)
    pixels = np.where(level > 0, 1 + group * levels + level - 1, 0).astype(np.uint8)
    palette = bytes(3) + b"".join(bytes(colour) * levels for colour in colours)
    opacities = np.rint(np.arange(1, levels + 1) * 255 / levels).astype(np.uint8).tobytes()
    height, width = pixels.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels], axis=1).tobytes()
    content = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0))
    content += _chunk(b"PLTE", palette) + _chunk(b"tRNS", b"\0" + opacities * len(colours))
    content += _chunk(b"IDAT", zlib.compress(rows, 9)) + _chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(content).decode()


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
