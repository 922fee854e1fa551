"""Build the live page: the core as WebAssembly, the digits and the texts in one HTML file a language.

    python live/build.py MODULE OUT        (`make live`)

MODULE is what `make wasm` compiled. Into the folder OUT go live.en.html and live.vi.html, which ask no host for
anything.
"""

import base64
import json
import re
import sys
import zlib
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

HERE = Path(__file__).parent
SCRIPTS = "network.js", "theory.js", "words.js", "drawing.js", "page.js"
LANGUAGES = {"en": "vi", "vi": "en"}  # and the other one
LARGEST = 2**20


def read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def pack(data: bytes) -> str:
    """Deflated, in base64."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    return base64.b64encode(squeeze.compress(data) + squeeze.flush()).decode()


def digits() -> bytes:
    """1,797 images of 64 bytes, then as many labels."""
    data = load_digits()
    return data.data.astype(np.uint8).tobytes() + data.target.astype(np.uint8).tobytes()


def texts() -> dict[str, dict[str, str]]:
    """What the page says, by language and name; each name with the same {slots} in every language."""
    found: dict[str, dict[str, str]] = json.loads(read("texts.json"))
    slots = [
        {(key, slot) for key, text in of.items() for slot in ["", *re.findall(r"\{\w+\}", text)]}
        for of in found.values()
    ]
    if list(found) != list(LANGUAGES) or slots[0] != slots[1]:
        raise ValueError(f"texts.json: in one language only: {sorted(set.symmetric_difference(*slots))}")
    return found


def page(language: str, module: str, images: str) -> str:
    """The page in a language; module and images are packed."""
    said = texts()[language]
    values = {
        **said, "lang": language, "other": LANGUAGES[language], "css": read("page.css"), "wasm": module,
        "digits": images, "texts": json.dumps(said, ensure_ascii=False), "js": "\n".join(map(read, SCRIPTS)),
    }  # fmt: skip
    whole = re.sub(r"\{\{(\w+)\}\}", lambda slot: values[slot[1]], read("page.html"))
    if len(whole.encode()) > LARGEST:
        raise ValueError(f"the page has {len(whole.encode()):,} bytes; at most {LARGEST:,}")
    return whole


def build(module: Path, out: Path) -> list[Path]:
    """Write the pages of all languages into the folder `out`: their paths."""
    out.mkdir(parents=True, exist_ok=True)
    packed, images = pack(module.read_bytes()), pack(digits())
    paths = []
    for language in LANGUAGES:
        paths.append(out / f"live.{language}.html")
        paths[-1].write_text(page(language, packed, images), encoding="utf-8")
        print(f"{paths[-1]}: {paths[-1].stat().st_size:,} bytes")
    return paths


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    build(Path(sys.argv[1]), Path(sys.argv[2]))
