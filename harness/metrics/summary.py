"""Every score of one summary: against its references, against its article, and by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from harness.errors import MetricRefused
from harness.metrics import overlap
from harness.metrics.bertscore import BertScore
from harness.metrics.catalogue import SUMMARY
from harness.metrics.entry import Metric
from harness.metrics.nli_consistency import Consistency
from harness.metrics.rouge import VARIANTS, rouge
from harness.metrics.rouge import signature as rouge_signature
from harness.metrics.unsupported import Support, unsupported_names, unsupported_numbers
from harness.text.names import main_script
from harness.text.scripts import SCRIPTS_KEPT, TokenizerName, dropped_by_google
from harness.text.sentences import with_sentence_newlines
from harness.types import Article, ItemScore

ROUGE_KEYS = {
    "rouge1": "summary.rouge1",
    "rouge2": "summary.rouge2",
    "rougeL": "summary.rouge_l",
    "rougeLsum": "summary.rouge_lsum",
}
EMPTY = "the summary is empty"
NO_WORDS = "the summary has no words"
NO_REFERENCES = "the article has no reference summary"


@dataclass(frozen=True, slots=True)
class SummaryOptions:
    """What may be chosen; `bertscore` and `nli` are the signatures of the judges that answered, empty without one."""

    tokenizer: TokenizerName = "google"
    stemmer: bool = True
    bertscore: str = ""
    nli: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """The judges' values of one summary, or why there is none; `bertscore_note` is a remark on the value."""

    bertscore: BertScore | str = "BERTScore's encoder was not asked"
    consistency: Consistency | str = "the NLI model was not asked"
    bertscore_note: str | None = None


ScoreOrReason = tuple[float | None, str | None]
"""A score and, where there is none or it means less than it seems, the reason."""


def score_summary(
    summary: str, article: Article, options: SummaryOptions | None = None, judged: Judged | None = None
) -> list[ItemScore]:
    """One ItemScore for each metric of `summary_metrics(options)`, in its order, never NaN.

    An empty summary has ROUGE, chrF and BERTScore 0 and 0 words, all with the reason beside them, and no value for
    anything that is a share of its words. Without references the metrics that need one have no value; a metric that
    refuses the references has none either, and its message is the reason. A summary of which ROUGE's tokenizer drops the
    script keeps the score of what is left, about 0, and the reason stands beside it.
    """
    options, judged = options or SummaryOptions(), judged or Judged()
    references = [r.text for r in article.summaries if r.text.strip()]
    source = f"{article.title}\n{article.text}"
    n_words = overlap.word_count(summary)
    nothing = EMPTY if not summary.strip() else NO_WORDS if not n_words else None

    values: dict[str, ScoreOrReason] = {}
    dropped = dropped_by_google(summary) if options.tokenizer == "google" else None
    lost = f"ROUGE's tokenizer drops this summary's {dropped}" if dropped else None
    values |= _against_references(
        ROUGE_KEYS.values(), references, nothing or lost, lambda: _rouge(summary, references, article, options)
    )
    values |= _against_references(
        ["summary.chrf"], references, nothing, lambda: {"summary.chrf": overlap.chrf(summary, references)}
    )
    if options.bertscore:
        bert_score = BertScore(0.0, 0.0, 0.0) if not summary.strip() else judged.bertscore
        values |= _bertscore(bert_score, references, nothing or judged.bertscore_note)
    fragments = overlap.fragments(summary, article.text)
    for name in ("coverage", "density", "compression"):
        value = None if fragments is None else float(getattr(fragments, name))
        values[f"summary.{name}"] = (value, nothing)
    for n, name in enumerate(("unigrams", "bigrams", "trigrams"), start=1):
        values[f"summary.novel_{name}"] = _or_too_short(overlap.novel_ngrams(summary, article.text, n), n, nothing)
    values["summary.repetition"] = _or_too_short(overlap.repetition(summary), 3, nothing)
    values["summary.words"] = (float(n_words), nothing)
    values["summary.unsupported_numbers"] = _share(unsupported_numbers(summary, source), nothing)
    values["summary.unsupported_names"] = _share(unsupported_names(summary, source, article.language), nothing)
    if options.nli:
        consistency = judged.consistency
        values["summary.nli_consistency"] = (
            (None, consistency) if isinstance(consistency, str) else (consistency.score, consistency.reason)
        )
    return [
        ItemScore(item=article.id, article_id=article.id, metric=key, value=values[key][0], reason=values[key][1])
        for key in summary_metrics(options)
    ]


def _against_references(
    keys: Iterable[str], references: Sequence[str], beside: str | None, compute: Callable[[], dict[str, float]]
) -> dict[str, ScoreOrReason]:
    names = list(keys)
    if not references:
        return dict.fromkeys(names, (None, NO_REFERENCES))
    try:
        computed = compute()
    except MetricRefused as refusal:
        return dict.fromkeys(names, (None, str(refusal)))
    return {name: (computed[name], beside) for name in names}


def _rouge(summary: str, references: Sequence[str], article: Article, options: SummaryOptions) -> dict[str, float]:
    language = article.language
    if options.stemmer and not language.startswith("en") and main_script(article.text) == "Latin":
        raise MetricRefused(
            f"rouge refuses an article in {language!r}: its stemmer (Porter) is for English",
            hint="use metrics.rouge_stemmer=false",
        )
    scores = rouge(
        with_sentence_newlines(summary, language),
        [with_sentence_newlines(r, language) for r in references],
        VARIANTS,
        stemmer=options.stemmer,
        tokenizer=options.tokenizer,
    )
    return {ROUGE_KEYS[variant]: score.fmeasure for variant, score in scores.items()}


def _bertscore(bert_score: BertScore | str, references: Sequence[str], beside: str | None) -> dict[str, ScoreOrReason]:
    keys = ("summary.bertscore", "summary.bertscore_cut")
    if not references or isinstance(bert_score, str):
        return dict.fromkeys(keys, (None, bert_score if references and isinstance(bert_score, str) else NO_REFERENCES))
    return dict(zip(keys, ((bert_score.f1, beside), (float(bert_score.n_cut), beside)), strict=True))


def _or_too_short(value: float | None, n: int, nothing: str | None) -> ScoreOrReason:
    return value, nothing or (f"the summary has fewer than {n} words" if value is None else None)


def _share(support: Support, nothing: str | None) -> ScoreOrReason:
    return support.share, nothing or support.reason


def summary_metrics(options: SummaryOptions | None = None) -> dict[str, Metric]:
    """The catalogue's metrics of summaries under these options, by key, with signature and scripts as the options make them.

    Those of a judge that was not asked are left out; the order is that of `score_summary`.
    """
    options = options or SummaryOptions()
    rouge_is = rouge_signature(stemmer=options.stemmer, tokenizer=options.tokenizer)
    rouge_tokens = SCRIPTS_KEPT[options.tokenizer]
    judges = {"bertscore": options.bertscore, "nli": options.nli}
    by_key = {}
    for metric in SUMMARY:
        if metric.judge is None:
            by_key[metric.key] = metric
        elif signature := judges[metric.judge]:
            by_key[metric.key] = replace(metric, signature=signature)
    by_key |= {key: replace(by_key[key], signature=rouge_is, scripts=rouge_tokens) for key in ROUGE_KEYS.values()}
    by_key["summary.chrf"] = replace(by_key["summary.chrf"], signature=overlap.chrf_signature())
    return by_key
