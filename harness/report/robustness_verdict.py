"""What a system's score is made of, in words."""

from __future__ import annotations

from collections.abc import Iterator

from harness.report.robustness import Finding, Robustness
from harness.stats.bootstrap import MIN_CLUSTERS, Interval

MOSTLY = 0.8
"""From this share on a reader does what a probe demands."""
UNMOVED = 0.95
"""From this share on answers stay the same without the article."""

READS = "reads the article"
UNHARMED = "loses nothing that a test could tell under these probes"
TURNS = 0.5
"""From this share on answers turn with the proposition, or with a minimal edit, oftener than not."""
LOSSES = {
    ("masked_names", ""): "answers from names",
    ("invented_names", ""): "answers from names",
    ("swapped_sides", ""): "answers from names",
    ("order", "speakers"): "answers from the order of declaration",
    ("order", "targets"): "answers from the order of declaration",
    ("negated_target", ""): "does not turn with the proposition",
    ("paraphrased_target", ""): "hangs on the wording of the proposition",
    ("typographic", ""): "is confused by printed marks",
    ("distractor", ""): "takes another speaker's words for the speaker's",
    ("evidence_only", ""): "needs more than the evidence",
}
"""What a real loss under a probe says of a system."""
MEMORY = "scores above chance without the text"
BLIND = "answers the same without the article"
INVENTS = "finds stances where the evidence is gone"


def verdict(result: Robustness) -> str:
    """A sentence with what the score leans on, then the numbers behind it."""
    least = _least(result.own)
    if least is None:
        return f"rests on too little to tell its score from chance ({result.own.reason or 'no score'})."
    if least <= 0:
        score = "undefined" if result.score is None else f"{result.score:.3f}"
        return f"does no better than chance on the unchanged articles (score {score}), so there is nothing to explain."
    faults = list(dict.fromkeys(faults_of(result)))
    head = "; ".join(faults) if faults else READS if _reads(result) else UNHARMED
    numbers = "; ".join(_numbers(result))
    return f"{head}." + (f" It {numbers}." if numbers else "")


def _reads(result: Robustness) -> bool:
    """Whether enough was probed to say so: all articles, without their text too, and answers that turn where they should."""
    tested = any(f.variant.probe in ("no_article", "other_article") for f in result.findings)
    turning = [f for f in result.findings if f.variant.probe in ("negated_target", "contrast")]
    turns = all((f.consistency.value or 0) >= TURNS for f in turning)
    return tested and turns and result.n_articles >= result.of


def faults_of(result: Robustness) -> Iterator[str]:
    """What the probes found against a system, the gravest first."""
    by_place = {tuple(f.variant): f for f in result.findings}
    for place, words in LOSSES.items():
        f = by_place.get(place)
        if f is not None and f.real and (f.change.value or 0) > 0:
            yield words
    memory = [f for f in result.findings if f.expects == "memory"]
    if any((_least(f.change) or 0) > 0 for f in memory):
        yield MEMORY
    blank = result.finding("no_article")
    if blank is not None and (blank.consistency.value or 0) >= UNMOVED:
        yield BLIND
    removed = result.finding("evidence_removed")
    if removed is not None and (removed.after or 0) < MOSTLY:
        yield INVENTS
    for f in result.findings:
        if f.variant.probe == "language" and f.real and (f.change.value or 0) > 0:
            yield f"loses in another language ({f.variant.variant})"


def _numbers(result: Robustness) -> Iterator[str]:
    if (masked := result.finding("masked_names")) and masked.kept is not None:
        yield f"keeps {masked.kept:.0%} of its score without names ({_test(masked)})"
    if (negated := result.finding("negated_target")) and negated.consistency.value is not None:
        yield f"turns {negated.consistency.value:.0%} of its answers with a reversed proposition"
    if (contrast := result.finding("contrast")) and contrast.consistency.value is not None:
        yield f"is right before and after a minimal edit on {contrast.consistency.value:.0%} of {contrast.n_items} pairs"
    if (removed := result.finding("evidence_removed")) and removed.after is not None:
        yield f"answers without a side on {removed.after:.0%} of the pairs whose evidence is cut out"
    if (blank := result.finding("no_article")) and blank.change.value is not None:
        yield f"scores {blank.change.value:+.3f} above chance without the article"
    for s in result.sensitivity:
        if s.probe == "order" and len(s.scores) > 1:
            yield f"moves by {s.spread:.3f} with order and prompt"


def _least(interval: Interval) -> float | None:
    """The lower end of an interval, the value where every resample gives it; None where too few articles leave none."""
    constant = interval.low is None and interval.n_clusters >= MIN_CLUSTERS
    return interval.value if constant else interval.low


def _test(finding: Finding) -> str:
    if finding.p_corrected is None:
        return "not tested"
    return "a real loss" if finding.real and (finding.change.value or 0) > 0 else "no test tells it from all"
