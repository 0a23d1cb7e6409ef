"""Make-believe articles, systems and results folders for tests of reports: any size, with noise of a known strength."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.config import parse_run_config
from harness.data.fingerprint import fingerprint
from harness.models.pool import ModelPool
from harness.results.records import Failure, RunRecord, write_record
from harness.results.store import content_hash
from harness.runs.compute import compute
from harness.runs.prepare import Job
from harness.runtime.progress import Reporter
from harness.systems.base import Context, Options, System
from harness.types import (
    ESCALATION,
    ESCALATION_PROPOSITION,
    PHENOMENA,
    STANCES,
    Annotation,
    Answer,
    Article,
    Dataset,
    Evidence,
    Item,
    ReferenceSummary,
    Source,
    Speaker,
    Stance,
    StanceLabel,
    Target,
)

FIRST = [
    "Ada",
    "Boris",
    "Chiara",
    "Dragan",
    "Elif",
    "Farid",
    "Greta",
    "Hamid",
    "Ines",
    "Jovan",
    "Katya",
    "Lars",
    "Mira",
    "Nils",
    "Olga",
    "Petra",
]
LAST = [
    "Brandt",
    "Olmer",
    "Varga",
    "Tesfaye",
    "Quill",
    "Renner",
    "Sato",
    "Horvat",
    "Lindqvist",
    "Okafor",
    "Marchetti",
    "Dufour",
    "Keller",
    "Novak",
]
PLACES = ["Ferris", "Karsk", "Sulmeria", "Vessan", "Lauvenne", "Quelmar", "Brennoth", "Tarrowe"]
HAWK = "demanded that the guns at {place} open fire before the week is out"
DOVE = "warned that a shot fired from {place} would cost both banks of the river their harvest"
CALM = "said that the council of {place} had read both letters and would answer neither"
HOSTILE = (
    "</script><script>window.pwned=1</script> <img src=x onerror=alert(1)> \"quotes\" 'single' & שלום עולם مرحبا 🕊️🚀"
)


def article(number: int, n_speakers: int, *, hostile: bool = False) -> Article:
    """One article with a sentence of evidence for every speaker; the same number gives the same article."""
    rng = random.Random(number)
    place = PLACES[number % len(PLACES)]
    title = f"{place}: day {number + 1} of the quarrel over the river" + (f" {HOSTILE}" if hostile else "")
    sides = (f"north-{place.lower()}", f"south-{place.lower()}", "outside")
    names = rng.sample([f"{a} {b}" for a in FIRST for b in LAST], n_speakers)
    speakers = tuple(
        Speaker(f"s{i}", name, (name.split()[1],), sides[i % 3], "minister" if i % 2 else "general", main=i < 4)
        for i, name in enumerate(names)
    )
    targets = (
        Target(ESCALATION, ESCALATION_PROPOSITION),
        Target("fire", f"The batteries of {place} may open fire.", "escalate", number % 5),
    )
    text = f"{title}\n\n{place.upper()} - On day {number + 1} the two banks of the river spoke again.\n\n"
    stances = []
    for i, speaker in enumerate(speakers):
        stance = rng.choice(STANCES)
        words = HAWK if (stance.degree or 0) > 0 else DOVE if (stance.degree or 0) < 0 else CALM
        sentence = f"{speaker.name} {words.format(place=place)}"
        text += f"{sentence}, according to {rng.choice(names)}. "
        if hostile:
            text += f"{HOSTILE} "
        if i % 3 == 2:
            text += "\n\n"
        start = text.rindex(sentence)
        evidence = (Evidence(sentence, start, start + len(sentence)),)
        phenomena = tuple(sorted(rng.sample(PHENOMENA, 2)))
        stances += [
            StanceLabel(speaker.id, t.id, stance, evidence=evidence, phenomena=phenomena, confidence=3) for t in targets
        ]
    text = text.rstrip() + "\n"
    return Article(
        id=f"{place.lower()}-{number:04d}",
        title=title,
        text=text,
        event=f"event-{number}",
        source=Source(("news", "documented", "fictional")[number % 3]),
        targets=targets,
        speakers=speakers,
        split="dev" if number % 3 else "test",
        summaries=(ReferenceSummary("one", f"{names[0]} wants the guns of {place} to speak; {names[1]} does not."),),
        gold=Annotation("chief", tuple(stances)),
    )


def dataset(n: int, n_speakers: int = 6, *, hostile: bool = False) -> Dataset:
    """`n` articles with two targets each; the first one is full of markup if `hostile`."""
    articles = tuple(sorted((article(i, n_speakers, hostile=hostile and i == 0) for i in range(n)), key=lambda a: a.id))
    return Dataset("make-believe", "1.0", articles, fingerprint(articles))


class _Noisy(Options):
    error: float = 0.3
    unparsed: float = 0.02
    failing: float = 0.0
    pace: float = 0.1
    probabilities: bool = False
    articles_a_unit: int = 20


class NoisyStance(System):
    """Gold with errors at a given rate; it peeks, which is what makes its score known."""

    kind = "stance"
    Options = _Noisy

    def reads(self, item: Item, dataset: Dataset) -> dict[str, Any]:
        return {"item": item.id, "text": content_hash(item.article.text)}

    def plan(self, items: Sequence[Item]) -> list[list[Item]]:
        size = self.options.articles_a_unit * 12
        return [list(items[i : i + size]) for i in range(0, len(items), size)]

    def answer(self, items: Sequence[Item], context: Context) -> list[Answer]:
        gold = {a.id: a.gold_stances() for a in context.dataset}
        return [self._one(item, gold) for item in items]

    def _one(self, item: Item, gold: dict[str, Any]) -> Answer:
        rng = random.Random(f"{self.name}/{item.id}")
        assert item.speaker is not None
        assert item.target is not None
        label = gold[item.article.id][item.speaker.id, item.target.id].stance
        if self.options.failing and random.Random(f"failing/{item.id}").random() < self.options.failing:
            return Answer(error="the server is busy")
        right = rng.random() > self.options.error
        said: Stance = label if right else rng.choice(STANCES)
        prompt = (
            f"<|user|>\nRead the article.\n\n{item.article.text}\n\nTitle: {item.article.title}\n"
            f"What does {item.speaker.name} think of this: {item.target.proposition}\n<|assistant|>\n"
        )
        times = {"prompt": prompt, "tokens_in": 400, "tokens_out": 3, "seconds": self.options.pace, "path": "make"}
        if rng.random() < self.options.unparsed:
            return Answer("", None, raw=f"I would rather not say. {HOSTILE}", **times)
        scores = {}
        if self.options.probabilities:
            top = min(0.95, 0.45 + 0.5 * rng.random() * (1.2 if right else 0.6))
            scores = {str(s): top if s == said else (1 - top) / 5 for s in STANCES}
        return Answer(said, said, scores=scores, raw=f"The answer is {said}.", **times)


class NoisySummariser(System):
    """The evidence of some main speakers, one of them given to another now and then."""

    kind = "summariser"
    Options = _Noisy

    def reads(self, item: Item, dataset: Dataset) -> dict[str, Any]:
        return {"item": item.id, "text": content_hash(item.article.text)}

    def plan(self, items: Sequence[Item]) -> list[list[Item]]:
        size = self.options.articles_a_unit
        return [list(items[i : i + size]) for i in range(0, len(items), size)]

    def answer(self, items: Sequence[Item], context: Context) -> list[Answer]:
        return [self._one(item) for item in items]

    def _one(self, item: Item) -> Answer:
        if random.Random(f"failing/{item.id}").random() < self.options.failing:
            return Answer(error="the server is busy")
        rng = random.Random(f"{self.name}/{item.id}")
        sentences = [s for s in item.article.text.partition("\n\n")[2].split(". ") if s.strip()]
        chosen = [s.strip() for s in sentences[1:] if rng.random() > 0.3 + self.options.error / 2]
        said = ". ".join(chosen[:4]) + ("." if chosen else "")
        prompt = f"<|user|>\nSummarise:\n\n{item.article.text}\n<|assistant|>\n"
        return Answer(
            said, raw=said, prompt=prompt, tokens_in=380, tokens_out=60, seconds=self.options.pace, path="make"
        )


class JudgeByWords(System):
    """Reads a summary by the three phrases of which the articles are made."""

    kind = "stance"
    Options = _Noisy

    def reads(self, item: Item, dataset: Dataset) -> dict[str, Any]:
        return {"item": item.id, "text": content_hash(item.article.text)}

    def plan(self, items: Sequence[Item]) -> list[list[Item]]:
        size = self.options.articles_a_unit * 12
        return [list(items[i : i + size]) for i in range(0, len(items), size)]

    def answer(self, items: Sequence[Item], context: Context) -> list[Answer]:
        return [self._one(item) for item in items]

    def _one(self, item: Item) -> Answer:
        assert item.speaker is not None
        rng = random.Random(f"{self.name}/{content_hash(item.article.text)}/{item.id}")
        _, found, after = item.article.text.partition(item.speaker.name)
        strong = rng.random() < 0.5
        said = Stance.NO_STANCE
        if found and after.startswith(" demanded"):
            said = Stance.SUPPORT if strong else Stance.LEAN_SUPPORT
        elif found and after.startswith(" warned"):
            said = Stance.OPPOSE if strong else Stance.LEAN_OPPOSE
        elif found and after.startswith(" said"):
            said = Stance.NEUTRAL
        if rng.random() < self.options.error:
            said = rng.choice(STANCES)
        return Answer(said, said, seconds=0.01, path="make")


def run(
    results: Path,
    data: Dataset,
    *,
    summariser: System | None = None,
    stance: System | None = None,
    judge: System | None = None,
    resamples: int = 500,
) -> RunRecord:
    """One run of make-believe systems through the real scoring into a real record."""
    systems = {"summariser": summariser, "stance": stance, "judge": judge if summariser else None}
    named = {role: s for role, s in systems.items() if s is not None}
    config = parse_run_config(
        {
            "dataset": {"path": "make-believe"},
            **{r: {"name": s.name, "adapter": "make", "description": s.description} for r, s in named.items()},
            "metrics": {"resamples": resamples},
            "results": str(results),
        }
    )
    slug = "+".join(s.name for r, s in named.items() if r != "judge")
    run_id = f"{slug}-{content_hash([s.fingerprint for s in named.values()])[:10]}"
    job = Job(config, data, data.articles, named, run_id)
    record, scores, answers = compute(job, ModelPool(0), Reporter(quiet=True))
    overrides = [f"{role}={s.name}" for role, s in named.items()]
    record = record.model_copy(update={"overrides": overrides, "started_at": "2026-07-01T12:00:00+00:00"})
    write_record(results, record, scores, answers)
    return record


PASSED = {
    "validated": True,
    "n": 400,
    "reason": None,
    "sensitivity": {"value": 0.85, "ci_low": 0.78, "ci_high": 0.91},
    "specificity": {"value": 0.95, "ci_low": 0.92, "ci_high": 0.97},
    "precision": {"value": 0.81, "ci_low": 0.73, "ci_high": 0.88},
}


def trust(results: Path) -> None:
    """Lets the judge of every run in the folder pass its check, so that what it finds is ranked and tested."""
    for path in results.glob("runs/*/record.json"):
        record = json.loads(path.read_text(encoding="utf-8"))
        if "preservation" in record["tables"]:
            record["tables"]["preservation"]["validation"] = PASSED
            record.pop("digest", None)
            path.write_text(json.dumps(record), encoding="utf-8")


def stance(name: str, error: float, **options: Any) -> NoisyStance:
    """A stance classifier that errs at a rate."""
    return NoisyStance(name, _Noisy(error=error, **options), f"make-believe classifier, error rate {error:.2f}")


def summariser(name: str, error: float, **options: Any) -> NoisySummariser:
    """A summariser that drops more speakers at a higher rate."""
    return NoisySummariser(name, _Noisy(error=error, **options), f"make-believe summariser, error rate {error:.2f}")


def judge(name: str = "word-judge", error: float = 0.05, **options: Any) -> JudgeByWords:
    """A judge that errs at a rate."""
    return JudgeByWords(name, _Noisy(error=error, **options), "reads the make-believe articles' three phrases")


def results_folder(folder: Path, n_articles: int = 14, *, hostile: bool = True, resamples: int = 500) -> Path:
    """A small results folder: three summarisers, four classifiers, one judge, one failed run and one of another dataset."""
    data = dataset(n_articles, hostile=hostile)
    results = folder / "results"
    classifiers = [
        stance("careful", 0.15, pace=2.4, probabilities=True),
        stance("careful-twin", 0.16, pace=0.9, probabilities=True),
        stance("hasty", 0.6, pace=0.05, unparsed=0.1),
        stance("majority", 0.9, pace=0.001, unparsed=0.0),
    ]
    for i, name in enumerate(("thorough", "terse", "lead3")):
        one = summariser(name, 0.1 + 0.35 * i, pace=3.0 / (1 + 3 * i))
        run(results, data, summariser=one, judge=judge(), resamples=resamples)
    run(
        results, data, summariser=summariser("thorough", 0.1, pace=3.0), judge=judge("second-judge", 0.4), resamples=100
    )
    for system in classifiers:
        run(results, data, stance=system, resamples=resamples)
    other = run(results, dataset(3), stance=stance("hasty", 0.6, unparsed=0.1), resamples=100)
    stale = results / "runs" / other.run_id / "record.json"
    raw = json.loads(stale.read_text(encoding="utf-8"))
    raw["started_at"] = "2026-06-01T12:00:00+00:00"
    del raw["digest"]
    stale.write_text(json.dumps(raw), encoding="utf-8")
    error = Failure(type="SystemFailed", message=f"no memory left {HOSTILE}", traceback="Traceback ...")
    failed = {"run_id": "broken-model-0000000000", "status": "failed", "dataset": None, "error": error}
    write_record(results, other.model_copy(update=failed))
    return results
