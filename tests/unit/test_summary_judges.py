"""Judges of summaries: a text that their tokenizer does not know is not scored as if it had been read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.models.embedder import MINILM
from harness.scoring.summaries import judged
from harness.systems.base import Context
from harness.systems.summary_judges import (
    BertScoreJudge,
    BertScoreOptions,
    NliJudge,
    NliOptions,
    SummaryJudge,
    unknown_ids,
    unknown_share,
)
from harness.types import Answer, Article, Dataset, Item, ReferenceSummary, Source
from tests import tiny_encoders as tiny

BRIDGE = "የኢትዮጵያ መንግሥት ድልድዩን ዘጋ።"
GRAIN = "ገበሬዎች ስንዴ በገበያ ሸጡ።"


def article(text: str, *references: str) -> Article:
    summaries = tuple(ReferenceSummary("x", r) for r in references)
    return Article("a", "", text, "e", Source(kind="fictional"), (), (), language="en", summaries=summaries)


def ask(judge: SummaryJudge, source: Article, summary: str) -> Answer:
    items = [Item(source, summary=summary)]
    return judge.answer(items, Context(Dataset("d", "1", (source,), "f")))[0]


def test_bertscore_of_a_script_that_the_encoder_lacks_is_no_score() -> None:
    judge = BertScoreJudge("minilm", BertScoreOptions(model=MINILM))
    source = article("The bridge was closed.", "The government closed the bridge.", BRIDGE)
    answer = ask(judge, source, GRAIN)
    # to the encoder two unrelated texts are rows of one token
    assert answer.scores["unknown_1"] == answer.scores["unknown"] > 0.5
    assert answer.scores["unknown_0"] == 0
    found = judged(source, GRAIN, answer, None)
    assert str(found.bertscore).startswith("the model's tokenizer does not know ")
    assert str(found.bertscore).endswith(" of the tokens of the reference, which is in Ethiopic letters")
    known = replace(source, summaries=source.summaries[:1])
    found = judged(known, GRAIN, ask(judge, known, GRAIN), None)
    assert not isinstance(found.bertscore, str)
    assert str(found.bertscore_note).endswith(" of the tokens of the summary, which is in Ethiopic letters")
    plain = judged(known, "The bridge is closed.", ask(judge, known, "The bridge is closed."), None)
    assert plain.bertscore_note is None


def test_nli_of_a_script_that_the_model_lacks_is_no_score(tmp_path: Path) -> None:
    judge = NliJudge("nli", NliOptions(model=str(tiny.deberta(tmp_path, window=256))))
    known = article("General Olm warned that shutting them would bring war.")
    answer = ask(judge, article(BRIDGE), GRAIN)
    found = judged(article(BRIDGE), GRAIN, None, answer).consistency
    assert isinstance(found, str)
    assert found.endswith("of the tokens of the article, which is in Ethiopic letters")
    found = judged(known, GRAIN, None, ask(judge, known, GRAIN)).consistency
    assert not isinstance(found, str)
    assert found.score is not None
    assert str(found.reason).endswith("of the tokens of the summary, which is in Ethiopic letters")
    found = judged(known, "General Olm warned.", None, ask(judge, known, "General Olm warned.")).consistency
    assert not isinstance(found, str)
    assert found.reason is None


def test_share_of_unknown_tokens() -> None:
    class Tokenizer:
        unk_token = None

        def get_vocab(self) -> dict[str, int]:
            return {"a": 0, "<unk>": 1}

    assert unknown_ids(Tokenizer()) == {1}
    assert unknown_share((1, 2, 1, 3), frozenset({1})) == 0.5
    assert unknown_share((1, 2), frozenset()) == 0
    assert unknown_share((), frozenset({1})) == 0
