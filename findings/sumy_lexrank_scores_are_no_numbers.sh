#!/bin/sh
# sumy 0.13.0: LexRank divides by zero where no two sentences are similar, and its scores are not numbers then.
# Two sentences without a common word are valid input, and so is any pair of sentences, since log(2 / (1 + 1)) = 0 takes the weight
# from every word that one of them has. We expected equal scores. Seen: RuntimeWarning "invalid value encountered in divide" and a
# ranking by nan, which happens to be the order of the text. A sentence that stands twice has one entry in the ratings (they are kept
# in a dict by text), so both copies are taken, though another sentence is left.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'sumy==0.13.0' numpy
"$folder/venv/bin/python" - <<'PY'
import warnings
from importlib.metadata import version
from sumy.models.dom import ObjectDocumentModel, Paragraph, Sentence
from sumy.summarizers.lex_rank import LexRankSummarizer

class Words:
    def to_words(self, sentence):
        return sentence.lower().strip(".").split()

def summary(texts, n):
    sentences = [Sentence(text, Words()) for text in texts]
    return [str(s) for s in LexRankSummarizer(lambda word: word)(ObjectDocumentModel([Paragraph(sentences)]), n)]

print("sumy", version("sumy"))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    print(summary(["Alpha beta.", "Gamma delta."], 1), [str(w.message) for w in caught])
assert any("invalid value" in str(w.message) for w in caught)
warnings.simplefilter("ignore")
twice = summary(["Peace now.", "The war goes on.", "Peace now.", "War is on."], 3)
print(twice)
assert twice.count("Peace now.") == 2
PY
