"""ROUGE-N, ROUGE-L and ROUGE-Lsum (Lin 2004) with exactly the values of google's rouge-score 0.1.2, many times faster.

The longest common subsequence is computed on rows of bits held in Python's integers (Hyyrö 2004). ROUGE-Lsum joins one
particular longest common subsequence per sentence pair, so its backtracking repeats rouge-score's choices.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from harness.errors import MetricRefused
from harness.text.porter import stem_long
from harness.text.scripts import TokenizerName, google_tokens, require_google_scripts, unicode_tokens

Variant = Literal["rouge1", "rouge2", "rougeL", "rougeLsum"]
Aggregate = Literal["mean", "max"]

VARIANTS: tuple[Variant, ...] = ("rouge1", "rouge2", "rougeL", "rougeLsum")
IMPLEMENTATION = "harness 1"

_Lines = tuple[tuple[str, ...], ...]
_NGrams = tuple[Counter[tuple[str, ...] | str], int]


class RougeScore(NamedTuple):
    """Each in [0, 1]; all three are 0 where one side has no tokens."""

    precision: float
    recall: float
    fmeasure: float


_ZERO = RougeScore(0.0, 0.0, 0.0)


def signature(*, stemmer: bool = True, tokenizer: TokenizerName = "google", aggregate: Aggregate = "mean") -> str:
    """What a reader must know to compare two ROUGE values; only google's tokenizer equals rouge-score."""
    parts = ["rouge", f"impl:{IMPLEMENTATION}"]
    if tokenizer == "google":
        parts.append("equal-to:rouge-score 0.1.2")
    parts.append(f"stemmer:{('porter' if tokenizer == 'google' else 'porter on a-z words') if stemmer else 'none'}")
    parts.append(f"tok:{'google' if tokenizer == 'google' else 'unicode nfkc casefold'}")
    return "|".join([*parts, "lsum:newline", f"refs:{aggregate}"])


def rouge(
    prediction: str,
    references: Sequence[str],
    variants: Sequence[str] = VARIANTS,
    *,
    stemmer: bool = True,
    tokenizer: TokenizerName = "google",
    aggregate: Aggregate = "mean",
) -> dict[str, RougeScore]:
    """ROUGE of one prediction against its references, by variant: `rouge1` to `rouge9`, `rougeL`, `rougeLsum`.

    ROUGE-Lsum expects one sentence a line (`sentences.with_sentence_newlines`). `aggregate` is the mean over references of
    each of the three values, or the scores of the reference with the greatest F (rouge-score's `score_multi`).
    Raises MetricRefused without references, and where google's tokenizer would drop a reference's letters. A prediction
    is never refused: what the tokenizer drops of it matches nothing, so one in another script than its references scores 0.
    """
    if not references:
        raise MetricRefused("rouge needs at least one reference summary", hint="add `summaries` to the article")
    if tokenizer == "google":
        require_google_scripts("rouge", references)
    pairs = [rouge_pair(prediction, r, variants, stemmer=stemmer, tokenizer=tokenizer) for r in references]
    if len(pairs) == 1:
        return pairs[0]
    if aggregate == "max":
        return {v: max((p[v] for p in pairs), key=lambda s: s.fmeasure) for v in variants}
    return {
        v: RougeScore(*(sum(values) / len(pairs) for values in zip(*(p[v] for p in pairs), strict=True)))
        for v in variants
    }


def rouge_pair(
    prediction: str,
    reference: str,
    variants: Sequence[str] = VARIANTS,
    *,
    stemmer: bool = True,
    tokenizer: TokenizerName = "google",
) -> dict[str, RougeScore]:
    """The scores of one pair, for any text and with no check of its script: bit for bit those of rouge-score 0.1.2."""
    scores: dict[str, RougeScore] = {}
    for variant in variants:
        if variant == "rougeL":
            columns, tokens = _columns(prediction, stemmer, tokenizer), _tokens(reference, stemmer, tokenizer)
            scores[variant] = _rouge_l(columns, tokens)
        elif variant == "rougeLsum":
            columns, lines = _columns(prediction, stemmer, tokenizer), _lines(reference, stemmer, tokenizer)
            scores[variant] = _rouge_lsum(columns, lines)
        elif len(variant) == 6 and variant.startswith("rouge") and variant[5] in "123456789":
            n = int(variant[5])
            scores[variant] = _rouge_n(
                _ngrams(prediction, n, stemmer, tokenizer), _ngrams(reference, n, stemmer, tokenizer)
            )
        else:
            raise ValueError(f"no such ROUGE variant: {variant!r}")
    return scores


@lru_cache(maxsize=512)
def _lines(text: str, stemmer: bool, tokenizer: TokenizerName) -> _Lines:
    """Tokens of each line that is not empty; a line may have none."""
    cut = google_tokens if tokenizer == "google" else unicode_tokens
    lines = [cut(line) for line in text.split("\n") if line]
    if not stemmer:
        return tuple(map(tuple, lines))
    return tuple(tuple(map(stem_long, line)) for line in lines)


@lru_cache(maxsize=512)
def _tokens(text: str, stemmer: bool, tokenizer: TokenizerName) -> tuple[str, ...]:
    return tuple(token for line in _lines(text, stemmer, tokenizer) for token in line)


@lru_cache(maxsize=512)
def _ngrams(text: str, n: int, stemmer: bool, tokenizer: TokenizerName) -> _NGrams:
    """Counts of the n-grams, and their number."""
    tokens = _tokens(text, stemmer, tokenizer)
    counts: Counter[tuple[str, ...] | str] = Counter(
        tokens if n == 1 else zip(*(tokens[i:] for i in range(n)), strict=False)
    )
    return counts, max(len(tokens) - n + 1, 0)


def _score(hits: int, n_prediction: int, n_reference: int) -> RougeScore:
    precision = hits / n_prediction
    recall = hits / n_reference
    if precision + recall > 0:
        return RougeScore(precision, recall, 2 * precision * recall / (precision + recall))
    return _ZERO


def _rouge_n(prediction: _NGrams, reference: _NGrams) -> RougeScore:
    (counts_p, n_p), (counts_r, n_r) = prediction, reference
    common = counts_p.keys() & counts_r.keys()
    hits = sum(map(min, map(counts_p.__getitem__, common), map(counts_r.__getitem__, common)))
    return _score(hits, max(n_p, 1), max(n_r, 1))


class _Columns(NamedTuple):
    """The prediction as columns of bits: all sentences side by side, each followed by a column that matches nothing."""

    masks: dict[str, int]
    spans: tuple[tuple[int, int], ...]
    separators: int
    width: int
    n_tokens: int


@lru_cache(maxsize=256)
def _columns(text: str, stemmer: bool, tokenizer: TokenizerName) -> _Columns:
    masks: dict[str, int] = {}
    spans: list[tuple[int, int]] = []
    separators = column = n_tokens = 0
    for line in _lines(text, stemmer, tokenizer):
        if line:
            for i, token in enumerate(line, column):
                masks[token] = masks.get(token, 0) | (1 << i)
            spans.append((column, column + len(line)))
            column += len(line) + 1
            separators |= 1 << (column - 1)
            n_tokens += len(line)
    return _Columns(masks, tuple(spans), separators, column, n_tokens)


def _rouge_l(prediction: _Columns, reference: Sequence[str]) -> RougeScore:
    if not prediction.n_tokens or not reference:
        return _ZERO
    # A zero bit of `row` is a column where the length of the common subsequence grows by one.
    row = full = (1 << prediction.width) - 1
    for matches in map(prediction.masks.get, reference):
        if matches:
            hit = row & matches
            row = ((row + hit) | (row - hit)) & full
    return _score(prediction.width - row.bit_count(), prediction.n_tokens, len(reference))


def _rouge_lsum(prediction: _Columns, reference: _Lines) -> RougeScore:
    n_reference = sum(map(len, reference))
    if not prediction.n_tokens or not n_reference:
        return _ZERO
    in_union: Counter[str] = Counter()
    for line in reference:
        in_union.update([line[i] for i in _union_lcs(line, prediction)])
    # rouge-score counts a token no more often than either side has it; in_union never exceeds the reference's count.
    masks = prediction.masks
    hits = sum(min(n, masks[token].bit_count()) for token, n in in_union.items())
    return _score(hits, prediction.n_tokens, n_reference)


def _union_lcs(line: tuple[str, ...], prediction: _Columns) -> set[int]:
    """Positions in `line` that belong to rouge-score's longest common subsequence with any sentence of the prediction.

    rouge-score walks back from the last cell: it takes a match wherever the two tokens are equal, otherwise goes left
    if the length there exceeds the length above, otherwise up. Going left happens exactly where the length grew
    between the row above and this one, and goes on to the next match; so each row needs two sets of columns only: where
    it matches, and where the length grew. With zero bits as growth along the row, the latter is the difference of the two
    rows as integers: each run starts at a bit that fell and ends at a bit that rose, or at the sentence's separator.
    """
    separators = prediction.separators
    # Separators stay 0 in a row, so that no carry runs from one sentence into the next.
    row = full = ((1 << prediction.width) - 1) ^ separators
    rows: list[tuple[int, int, int]] = []
    for i, matches in enumerate(map(prediction.masks.get, line)):
        if matches:
            hit = row & matches
            above, row = row, ((row + hit) | (row - hit)) & full
            rows.append((i, matches, matches | ((row | separators) - above)))
    rows.reverse()
    union: set[int] = set()
    for first, end in prediction.spans:
        column = end
        last = 1 << (end - 1)
        for i, matches, taken in rows:
            if taken & last:
                union.add(i)
                column = (matches & ((1 << column) - 1)).bit_length() - 1
                if column <= first:
                    break
                last = 1 << (column - 1)
    return union
