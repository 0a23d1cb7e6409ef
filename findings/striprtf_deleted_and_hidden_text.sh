#!/usr/bin/env bash
# striprtf 0.0.35: rich text that is marked as deleted (`\deleted`, change tracking) or as hidden (`\v`) comes out among the
# visible words, while a footnote, whose text the reader of the page does see, is left out.
# So the result can say the opposite of what the page says, and nothing tells the two kinds of words apart.
# Output seen:
#   'The mayor said yes no to the secret war.\n'
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --target "$folder" striprtf==0.0.35
PYTHONPATH=$folder python3 - <<'PYTHON'
import sys

from striprtf.striprtf import rtf_to_text

page = (
    r"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0 Arial;}}"
    r"The mayor said {\deleted yes }no to the {\v secret }war{\footnote On Monday.}.\par}"
)
text = rtf_to_text(page)
print(repr(text))
sys.exit(text != "The mayor said yes no to the secret war.\n")
PYTHON
