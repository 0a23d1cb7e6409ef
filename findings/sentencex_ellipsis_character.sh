#!/bin/sh
# sentencex 1.0.32: an ellipsis character ends no sentence, three full stops do.
# Published news sets … where typewriters have "...". We expected both to be read alike. Seen: "It is good... Then he left." is two
# sentences, "It is good… Then he left." is one.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'sentencex==1.0.32'
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version
from sentencex import segment
print("sentencex", version("sentencex"))
cut = [[s.strip() for s in segment("en", text)] for text in ("It is good... Then he left.", "It is good… Then he left.")]
print(cut)
assert list(map(len, cut)) == [2, 1]
PY
