"""What thousands of damaged, odd and hostile files do to the function that answers uploads.

    python -m benchmarks.damaged [--check] [--files 2000] [--seed 0]

Trains a quick model on drawn cells, then sends files one after the other: bits flipped, cut short, wrong suffixes, pictures that claim or
unpack to far too many pixels, zips that do, polyglots, odd modes, text and markup, and names with quotes, tags, newlines and paths. Bars:
each is answered or refused in words within 2 seconds; the memory afterwards is within 100 MB of before; nothing is opened for writing
outside the artifacts folder; the sheet of all answers holds no markup of theirs. The last line is JSON. With --check, exits 1 where one is
missed.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import re
import struct
import sys
import tempfile
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SECONDS, MEMORY_MB = 2.0, 100.0
NAMES = (
    "cell.png",
    "<script>alert(1)</script>.png",
    '"><img src=x onerror=alert(1)>.bmp',
    'it\'s a "cell".jpg',
    "two\nlines\r.png",
    "../../../etc/passwd.png",
    "C:\\windows\\cell.bmp",
    "[link](https://example.org) `code` $x^2$ :red[no].png",
    "\u202egnp.exe",
    "x" * 400 + ".png",
    "",
    "null\0byte.png",
)
_TAGS = re.compile(r"<script>|<img src=x|onerror=alert\(1\)>")


def _cell(dice: random.Random, mode: str = "RGB") -> Image.Image:
    side = dice.choice((40, 70, 96, 130))
    row, column = np.mgrid[:side, :side]
    inside = (row - side / 2) ** 2 + (column - side / 2) ** 2 < (side / 3) ** 2
    colour = np.array([dice.randint(90, 160), dice.randint(50, 110), dice.randint(130, 190)])
    noise = np.random.default_rng(dice.getrandbits(32)).normal(0, 9, (side, side, 1))
    pixels = np.clip((colour + noise) * inside[..., None], 0, 255).astype(np.uint8)
    image = Image.fromarray(pixels)
    if mode == "I;16":
        return Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
    return image.convert("L").convert(mode) if mode in ("I", "F") else image.convert(mode)


def _saved(image: Image.Image, form: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


_FORMS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")


def _flipped(dice: random.Random) -> bytes:
    content = bytearray(_saved(_cell(dice), dice.choice(_FORMS)))
    for _ in range(dice.choice((1, 3, 20, 200))):
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    return bytes(content)


def _cut(dice: random.Random) -> bytes:
    content = _saved(_cell(dice), dice.choice(_FORMS))
    return content[: dice.randrange(len(content))]


def _other_format(dice: random.Random) -> bytes:
    return _saved(_cell(dice), dice.choice(("GIF", "PPM", "ICO", "PCX", "TGA", "PDF")))


def _huge(dice: random.Random) -> bytes:
    """A picture whose header claims thirty thousand a side: a PNG that even has them, or a bitmap that has not."""
    side = dice.choice((30_000, 60_000, 2**31 - 1))
    if dice.random() < 0.5:
        return b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, side, dice.choice((1, -1)) * side, 1, 24, 0, 0, 0, 0, 0, 0)
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * 3_000_000, 9)
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b"")))


@lru_cache(maxsize=1)
def _let_in(dice: random.Random) -> bytes:
    """The largest picture that is read: of one colour, so that it is a small file, and transparent, which takes longest."""
    from allcore.data import images

    return _saved(Image.new("RGBA", (images.LARGEST_SIDE, images.MOST_PIXELS // images.LARGEST_SIDE), (200, 180, 210, 128)), "PNG")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _text_bomb(dice: random.Random) -> bytes:
    """A small PNG with a text or a profile that unpacks to a hundred million bytes."""
    content = _saved(_cell(dice), "PNG")
    kind, head = dice.choice(((b"zTXt", b"Comment\0\0"), (b"iCCP", b"profile\0\0")))
    return content[:33] + _chunk(kind, head + zlib.compress(b"\0" * 100_000_000, 1)) + content[33:]


def _zip(dice: random.Random) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        which = dice.randrange(4)
        if which == 0:
            packed.writestr("../out.png", _saved(_cell(dice), "PNG"))
        elif which == 1:
            packed.writestr("zeros.png", b"\0" * 50_000_000)
        elif which == 2:
            link = zipfile.ZipInfo("link.png")
            link.external_attr = 0o120777 << 16
            packed.writestr(link, "/etc/passwd")
        else:
            packed.writestr("good.png", _saved(_cell(dice), "PNG"))
            packed.writestr("bad.png", _cut(dice))
    content = out.getvalue()
    return content if dice.random() < 0.7 else content[: dice.randrange(len(content))]


def _polyglot(dice: random.Random) -> bytes:
    """A picture that is something else as well."""
    tail = dice.choice((_zip(dice), b"<html><script>alert(1)</script></html>", b"%PDF-1.7\n", b"#!/bin/sh\nrm -rf /\n"))
    picture = _saved(_cell(dice), dice.choice(("PNG", "JPEG", "BMP")))
    return picture + tail if dice.random() < 0.6 else tail + picture


def _odd_mode(dice: random.Random) -> bytes:
    form, mode = dice.choice(
        (
            ("JPEG", "CMYK"),
            ("JPEG", "L"),
            ("PNG", "P"),
            ("PNG", "1"),
            ("PNG", "LA"),
            ("PNG", "RGBA"),
            ("PNG", "I;16"),
            ("TIFF", "I;16"),
            ("TIFF", "F"),
            ("TIFF", "I"),
            ("TIFF", "LAB"),
            ("TIFF", "CMYK"),
            ("WEBP", "RGBA"),
        )
    )
    return _saved(_cell(dice, mode), form)


def _odd_size(dice: random.Random) -> bytes:
    width, height = dice.choice(((1, 1), (1, 5000), (15, 15), (9000, 20), (16, 16), (3, 400)))
    return _saved(Image.new("RGB", (width, height), (120, 60, 150)), dice.choice(("PNG", "BMP")))


def _many_frames(dice: random.Random) -> bytes:
    frames = [_cell(dice).resize((40, 40)) for _ in range(20)]
    return _saved(frames[0], "TIFF", save_all=True, append_images=frames[1:])


def _no_picture(dice: random.Random) -> bytes:
    return dice.choice(
        (
            b"",
            dice.randbytes(dice.randrange(1, 5000)),
            b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
            b"path,label\ncell.png,leukemia\n" * 50,
            b"\0" * 100_000,
            b"\x89PNG\r\n\x1a\n",
            b"GIF89a" + dice.randbytes(100),
            b"BM" + dice.randbytes(200),
            b"II*\0" + dice.randbytes(2000),
            b"RIFF" + dice.randbytes(4) + b"WEBPVP8 " + dice.randbytes(500),
        )
    )


def _whole(dice: random.Random) -> bytes:
    return _saved(_cell(dice), dice.choice(_FORMS))


KINDS: dict[str, tuple[int, Callable[[random.Random], bytes]]] = {
    "bits flipped": (30, _flipped),
    "cut short": (20, _cut),
    "another format": (6, _other_format),
    "far too large": (6, _huge),
    "largest let in": (1, _let_in),
    "text bomb": (1, _text_bomb),
    "zip": (6, _zip),
    "polyglot": (8, _polyglot),
    "odd mode": (8, _odd_mode),
    "odd size": (5, _odd_size),
    "many frames": (2, _many_frames),
    "no picture": (10, _no_picture),
    "whole": (4, _whole),
}
"""Each kind of file, how often of a hundred or so, and what makes one."""


def files(count: int, seed: int = 0) -> Iterator[tuple[str, str, bytes]]:
    """So many files, each with its kind and a name."""
    dice = random.Random(seed)
    names, weights = list(KINDS), [weight for weight, _ in KINDS.values()]
    for number in range(count):
        kind = names[number] if number < len(names) else dice.choices(names, weights)[0]
        content = KINDS[kind][1](dice)
        name = dice.choice(NAMES)
        if kind == "zip" and dice.random() < 0.6:
            name = "cells.zip"
        yield kind, name, content


def markup(page: str) -> list[str]:
    """What of the names' markup stands in a page as markup."""
    return _TAGS.findall(page)


def watched_writes() -> list[str]:
    """Paths that this process opens for writing, from now on."""
    found: list[str] = []

    def hook(event: str, given: tuple) -> None:
        if event != "open" or not isinstance(given[0], str):
            return
        path, mode, flags = given  # of os.open there are flags alone, of a temporary file without a name too
        if set(mode) & set("wax+") if isinstance(mode, str) else flags & (os.O_WRONLY | os.O_RDWR):
            found.append(path)

    sys.addaudithook(hook)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="What damaged and hostile files do to the function that answers uploads.")
    parser.add_argument("--check", action="store_true", help="exit 1 where a bar is missed")
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    import psutil

    from allcore.base.paths import Artifacts
    from allcore.inference import answers, served, uploads
    from allcore.inference.uploads import Classified, Counted, Refused, Upload
    from allcore.reports import sheet
    from allcore.reports.sheet import Row
    from benchmarks.serving import command

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        command(root, "data", "phantom", "--name", "drawn", "--images", "120")
        run = command(root, "train", "--data", "drawn", "--model", "random_forest", "--wait")["id"]
        command(root, "jobs", "stop")
        artifacts = Artifacts(root)
        model, adviser = served.load(artifacts.run(run)), answers.adviser(artifacts, artifacts.run(run))
        written, process = watched_writes(), psutil.Process()
        outcomes: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
        found: list[Row] = []
        slowest, slow, before = 0.0, "", 0.0
        for number, (kind, name, content) in enumerate(files(options.files, options.seed)):
            began = time.perf_counter()
            told = list(uploads.answered(model, uploads.opened(Upload(name, content)), adviser=adviser))
            took = time.perf_counter() - began
            if took > slowest:
                slowest, slow = took, kind
            kept = [Row.of(one, None, str) for one in told]
            for one in (line.found for row in kept for line in row.lines()):
                outcome = "refused" if isinstance(one, Refused) else "no cell" if isinstance(one, Counted) else "not judged"
                outcomes[kind]["answered" if isinstance(one, Classified) and one.judged else outcome] += 1
            found += kept
            if number == 200:
                before = process.memory_info().rss / 1e6
        after = process.memory_info().rss / 1e6
        page = sheet.html_page(found, adviser)
        inside = root.resolve()
        outside = sorted({path for path in written if not Path(path).resolve().is_relative_to(inside) and path != "/dev/null"})
    silent = [row.found.name for row in found if isinstance(row.found, Refused) and not row.found.error]
    for kind, counts in outcomes.items():
        print(f"{kind:16}", dict(counts))
    missed = ["2 s"] * (slowest > SECONDS) + ["memory"] * (after - before > MEMORY_MB) + ["written outside"] * bool(outside)
    missed += ["markup"] * bool(markup(page)) + ["no words"] * bool(silent)
    print(f"slowest {slowest:.2f} s ({slow}); memory {before:.0f} MB after 200 files, {after:.0f} MB at the end")
    print(f"written outside: {outside or 'none'}")
    print(f"Missed: {', '.join(missed) or 'none'}")
    told_of = {kind: dict(counts) for kind, counts in outcomes.items()}
    figures = {"benchmark": "damaged", "files": options.files, "outcomes": told_of, "slowest_seconds": round(slowest, 3)}
    print(json.dumps({**figures, "memory_grew_mb": round(after - before), "missed": missed, "passes": not missed}))
    return 1 if options.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
