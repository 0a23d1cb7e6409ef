#!/bin/sh
# vaderSentiment 3.3.2: typographic marks turn its answers round.
# Published news writes “No peace.” and won’t with curly marks. We expected a lexicon of English to read both spellings alike.
# Seen: won’t is no negation (its list has won't and wont alone), a word that a curly quotation mark or an ellipsis character
# touches is in no lexicon (only string.punctuation is taken off), so scores vanish or change their sign.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'vaderSentiment==3.3.2'
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
score = lambda text: SentimentIntensityAnalyzer().polarity_scores(text)["compound"]
print("vaderSentiment", version("vaderSentiment"))
for plain, curly, expected in (
    ("He won't attack.", "He won’t attack.", (0.3724, -0.4767)),
    ('"No peace."', "“No peace.”", (0.5423, 0.0)),
    ("It is good...", "It is good…", (0.4404, 0.0)),
):
    print(plain, score(plain), "|", curly, score(curly))
    assert (score(plain), score(curly)) == expected
PY
