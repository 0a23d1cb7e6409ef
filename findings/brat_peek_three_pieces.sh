#!/usr/bin/env bash
# brat-peek 0.1.2.1 reads a discontinuous span of brat with two pieces, but not one with three or more: the line, which is
# valid standoff, is called unrecognised on the output, the span is missing in the document, and an event keeps an argument
# that is nowhere. In the attribution corpus PolNeAR 245 spans of the parts train and dev have three pieces or more.
# Output seen:
#   ['T1', 'T2', 'T4']  ['Content:T3', 'Source:T1']
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --target "$folder" --no-deps brat-peek==0.1.2.1 Unidecode==1.4.0
mkdir "$folder/collection"
PYTHONPATH=$folder python3 - "$folder/collection" "$folder" <<'PYTHON'
import importlib.util
import sys
from pathlib import Path

text = "Ada said, on Monday, that the bridge, she thought, must not, ever, fall.\n"


def at(*pieces):
    starts = [text.index(p) for p in pieces]
    offsets = ";".join(f"{a} {a + len(p)}" for a, p in zip(starts, pieces))
    return f"{offsets}\t{' '.join(pieces)}"


folder = Path(sys.argv[1])
(folder / "bridge.txt").write_text(text)
(folder / "bridge.ann").write_text(
    f"T1\tSource {at('Ada')}\n"
    f"T2\tContent {at('the bridge', 'must not')}\n"
    f"T3\tContent {at('the bridge', 'must not', 'fall')}\n"
    f"T4\tAttribution {at('said')}\n"
    "E1\tAttribution:T4 Content:T3 Source:T1\n"
)

# the package's other modules need plotting libraries, which it does not declare
spec = importlib.util.spec_from_file_location("ann_structure", Path(sys.argv[2]) / "peek" / "ann_structure.py")
reader = importlib.util.module_from_spec(spec)
spec.loader.exec_module(reader)
document = reader.AnnDocument(str(folder / "bridge.ann"))
names = [e.name for e in document.anns["entities"]]
arguments = document.anns["events"][0].arguments
print(names, "", arguments)
sys.exit(names != ["T1", "T2", "T4"] or arguments != ["Content:T3", "Source:T1"])
PYTHON
