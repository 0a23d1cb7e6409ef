"""One paired comparison with all that a reader needs: difference, interval, test, detectable effect, articles still
missing."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from numpy.typing import ArrayLike

from harness.stats.bootstrap import RESAMPLES, Statistic
from harness.stats.correction import holm
from harness.stats.paired import Difference, McNemar, paired_difference, paired_difference_mean
from harness.stats.power import Detectable, MoreArticles, detectable_counts, detectable_mean, more_articles

Test = TypeVar("Test", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Comparison:
    """System A against system B on the items that both answered.

    `p_adjusted` is set by `declare_family`; only then can `marked` be true. `n_left_out` counts items that one of the
    two did not answer.
    """

    difference: Difference
    detectable: Detectable
    more: MoreArticles
    n_items: int
    n_left_out: int = 0
    mcnemar: McNemar | None = None
    p_adjusted: float | None = None
    alpha: float = 0.05

    @property
    def marked(self) -> bool:
        """Whether the difference is significant within its family."""
        return self.p_adjusted is not None and self.p_adjusted <= self.alpha


def compare_counts(
    a: ArrayLike,
    b: ArrayLike,
    statistic: Statistic,
    *,
    n_items: int,
    n_left_out: int = 0,
    items: tuple[ArrayLike, ArrayLike] | None = None,
    mcnemar: McNemar | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Comparison:
    """Compare a statistic of counts by article, (G, ...) for each system on the same items.

    `items` are item values of both systems, which give the detectable effect where articles are too few.
    """
    difference = paired_difference(a, b, statistic, seed=seed, resamples=resamples)
    detectable = detectable_counts(a, b, statistic, seed=seed, items=items)
    more = more_articles(difference.value, difference.se, difference.n_clusters)
    return Comparison(difference, detectable, more, n_items, n_left_out, mcnemar)


def compare_means(
    a: ArrayLike,
    b: ArrayLike,
    clusters: Sequence[Hashable],
    *,
    n_left_out: int = 0,
    span: float = 1.0,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Comparison:
    """Compare the means of item values (n,) of both systems on the same items; `span` is the values' range."""
    difference = paired_difference_mean(a, b, clusters, seed=seed, resamples=resamples)
    detectable = detectable_mean(a, b, clusters, span=span)
    more = more_articles(difference.value, difference.se, difference.n_clusters)
    return Comparison(difference, detectable, more, len(clusters), n_left_out)


def declare_family(comparisons: Mapping[Test, Comparison], *, alpha: float = 0.05) -> dict[Test, Comparison]:
    """The comparisons with Holm-adjusted p-values over all of them: give the whole declared family at once."""
    adjusted = holm({test: comparison.difference.p_value for test, comparison in comparisons.items()})
    return {
        test: replace(comparison, p_adjusted=adjusted[test], alpha=alpha) for test, comparison in comparisons.items()
    }
