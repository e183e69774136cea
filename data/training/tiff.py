"""Uncompressed 32-bit float RGB TIFF, the exchange format of the evaluation.

OpenCV's own float TIFF is LogLuv, which loses precision.
"""

import struct

import numpy as np


def write_tiff(path, pixels):
    """pixels: float32 [h, w, 3]."""
    h, w, channels = pixels.shape
    data = np.ascontiguousarray(pixels, dtype="<f4").tobytes()
    entries = [
        (256, 4, 1, w),
        (257, 4, 1, h),
        (258, 3, channels, None),  # bits per sample
        (259, 3, 1, 1),  # no compression
        (262, 3, 1, 2),  # RGB
        (273, 4, 1, None),  # strip offset
        (277, 3, 1, channels),
        (278, 4, 1, h),  # one strip
        (279, 4, 1, len(data)),
        (284, 3, 1, 1),  # interleaved
        (339, 3, channels, None),  # sample format
    ]
    directory = 8
    extra = directory + 2 + 12 * len(entries) + 4
    bits, formats, strip = extra, extra + 2 * channels, extra + 4 * channels
    places = {258: bits, 273: strip, 339: formats}
    with open(path, "wb") as file:
        file.write(struct.pack("<2sHI", b"II", 42, directory))
        file.write(struct.pack("<H", len(entries)))
        for tag, kind, count, value in entries:
            file.write(struct.pack("<HHII", tag, kind, count, places.get(tag, value)))
        file.write(struct.pack("<I", 0))
        file.write(struct.pack(f"<{channels}H", *[32] * channels))
        file.write(struct.pack(f"<{channels}H", *[3] * channels))
        file.write(data)


def read_tiff(path):
    """float32 [h, w, 3] of a file that write_tiff() or the command wrote (strips, no compression)."""
    with open(path, "rb") as file:
        content = file.read()
    order, magic, place = struct.unpack_from("<2sHI", content)
    if order != b"II" or magic != 42:
        raise ValueError(f"'{path}' is not a little-endian TIFF")
    (count,) = struct.unpack_from("<H", content, place)
    tags = {}
    for i in range(count):
        tag, kind, length, value = struct.unpack_from("<HHII", content, place + 2 + 12 * i)
        size = {3: 2, 4: 4}.get(kind)
        if size is None:
            continue
        offset = place + 2 + 12 * i + 8 if size * length <= 4 else value
        tags[tag] = struct.unpack_from(f"<{length}{'H' if size == 2 else 'I'}", content, offset)
    if tags.get(259, (1,))[0] != 1 or tags[258][0] != 32 or tags[339][0] != 3:
        raise ValueError(f"'{path}' is not uncompressed 32-bit float")
    data = b"".join(content[o : o + n] for o, n in zip(tags[273], tags[279]))
    return np.frombuffer(data, dtype="<f4").reshape(tags[257][0], tags[256][0], -1)
