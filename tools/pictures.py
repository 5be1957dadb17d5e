"""Makes the pictures of the page in docs/images anew: plays their runs and looks at them in headless Chromium.

python tools/pictures.py [--look FOLDER]

With --look it writes each of them in light, in dark and as wide as a phone into FOLDER instead, for people to look at.
One of the runs is played by the embedded model; its words, and so its picture, are those of one type of processor.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.pages import FLAGS, STUDY, executable, play, served  # noqa: E402 -- found from here on

from genai_social_sim import Study  # noqa: E402

IMAGES: Final = ROOT / "docs" / "images"
OPINIONS: Final = """
name: opinions
seed: 3
model: {backend: rule, rule: degroot}
population:
  size: 300
  attributes: {opinion: {uniform: [-1, 1]}, party: {choice: {left: 0.5, right: 0.5}}}
network: {kind: watts_strogatz, k: 8, p: 0.03}
channels: {square: {protocol: simultaneous}}
stop: {rounds: 15}
"""
VOTES: Final = """
name: votes
seed: 2
model: {backend: rule, rule: voter, copies: drawn}
population: {size: 40, attributes: {opinion: {choice: {for: 0.65, against: 0.35}}}}
network: {kind: watts_strogatz, k: 6, p: 0.1}
protocol: sequential
channels: {square: {}}
factors: {topology: {path: network.p, values: {lattice: 0.0, random: 1.0}}}
replicates: 6
stop: {rounds: 8}
"""
PHONE: Final = 390


class Picture(NamedTuple):
    """What is looked at, until what is there, and how large."""

    path: str
    shown: str
    width: int
    height: int


def main() -> None:
    """Plays, looks, writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--look", type=Path, metavar="FOLDER")
    look = parser.parse_args().look
    with TemporaryDirectory() as folder:
        pictures = dict(played(Path(folder)))
        with served(Path(folder)) as site, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=executable(), args=FLAGS)
            for name, picture in pictures.items():
                if look is None:
                    written(IMAGES / f"{name}.png", taken(browser, site.url, picture))
                else:
                    looked_at(browser, site.url, name, picture, look)


def played(folder: Path) -> Iterator[tuple[str, Picture]]:
    """The runs of all pictures, in a folder."""
    talk = Study.load(ROOT / "examples" / "rare-earths" / "study.yaml").run(runs=folder).path.stem
    yield "page-turn", Picture(f"runs/{talk}/turns/5", ".turn-panel h3", 1200, 720)
    opinions = play(folder, OPINIONS).stem
    yield "page-network", Picture(f"runs/{opinions}/network?at=900", ".side tbody tr", 1200, 720)
    Study.parse(VOTES).run_all(runs=folder, durability="process")
    yield (
        "page-conditions",
        Picture("conditions?study=votes&category=for", "[role=status]:has-text('n = 12 runs')", 1100, 760),
    )
    with Study.parse(STUDY).run(runs=folder, durability="process") as parent:
        parent.fork(at_turn=12)
        with parent.fork(at_turn=30, say={"ada": "I have changed my mind."}) as fork:
            fork.fork(at_turn=45, say={"ada": "Not again."})
        yield "page-forks", Picture(f"runs/{parent.path.stem}/forks", ".kinships li", 1100, 480)


def taken(browser: Browser, url: str, picture: Picture, **context: Any) -> bytes:
    """One picture, once nothing is on its way any more."""
    size = {"width": picture.width, "height": picture.height}
    tab = browser.new_context(viewport=size, **context)  # type: ignore[arg-type]  # a mapping of integers
    try:
        page = tab.new_page()
        page.goto(f"{url}/{picture.path}")
        page.locator(picture.shown).first.wait_for()
        page.wait_for_load_state("networkidle")
        return page.screenshot()
    finally:
        tab.close()


def looked_at(browser: Browser, url: str, name: str, picture: Picture, folder: Path) -> None:
    """A picture in light, in dark, and on a phone."""
    folder.mkdir(parents=True, exist_ok=True)
    ways: Mapping[str, tuple[Picture, str]] = {
        "light": (picture, "light"),
        "dark": (picture, "dark"),
        "phone": (picture._replace(width=PHONE, height=800), "light"),
    }
    for way, (sized, scheme) in ways.items():
        (folder / f"{name}-{way}.png").write_bytes(taken(browser, url, sized, color_scheme=scheme))


def written(path: Path, picture: bytes) -> None:
    """With 256 colours, which are enough and a third of the size."""
    Image.open(BytesIO(picture)).convert("RGB").quantize(256).save(path, optimize=True)
    print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
