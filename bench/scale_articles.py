"""Short news articles with gold, generated, as many as are wanted, in a Parquet or JSONL file: what `bench.scale` reads."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

EVENTS = 500
BLOCK = 5_000
_GIVEN = ("Anna", "Boris", "Carla", "Daniel", "Elena", "Farid", "Greta", "Hassan", "Ilona", "Jamal", "Kofi", "Leila")
_FAMILY = (
    "Alder",
    "Brandt",
    "Castell",
    "Dorin",
    "Eklund",
    "Farkas",
    "Gruber",
    "Halim",
    "Ivanov",
    "Jensen",
    "Kaya",
    "Lund",
)
_PLACES = (
    "Arvana",
    "Belmora",
    "Corvinia",
    "Dasht",
    "Elbria",
    "Fenmark",
    "Goral",
    "Hestia",
    "Ilmar",
    "Jorvik",
    "Kalden",
    "Lerida",
)
_SPOKEN = (
    ("support", "“We will strike back hard and destroy their brutal army,” {name} said on {day}."),
    ("lean_support", "{name} told reporters that {place} may be forced to answer the attack with force."),
    ("neutral", "According to {name}, {place} has not decided whether more troops will cross the border."),
    ("lean_oppose", "{name} said it would be wiser to wait for the talks in {place} before any strike."),
    ("oppose", "“This war is a terrible mistake and we want peace,” {name} told parliament in {place}."),
)
_FILLER = (
    "Shelling was reported near {place} for the {n}th day, officials in the region said.",
    "The bridge over the river at {place} stayed closed, and {n} trucks were waiting.",
    "Prices for bread rose by {n} percent in {place} since the fighting began.",
    "About {n} people left {place} by bus, aid workers said, and more were expected.",
    "A meeting of envoys in {place} ended after {n} hours without a common statement.",
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def rows(count: int, labelled: int | None = None) -> Iterator[dict[str, Any]]:
    """Articles of 60 to 120 words, two or three speakers and two targets each; the same for the same number, always.

    Where only the first `labelled` have gold, these are of twenty events, and each of the others is of its own.
    """
    for number in range(count):
        draw = random.Random(number)
        names = draw.sample([f"{g} {f}" for g in draw.sample(_GIVEN, 3) for f in draw.sample(_FAMILY, 2)], 3)
        place, event = draw.choice(_PLACES), f"event-{draw.randrange(EVENTS):03d}"
        speakers, sentences, stances = [], [], []
        for n, name in enumerate(names[: draw.choice((2, 2, 3))]):
            stance, pattern = draw.choice(_SPOKEN)
            words = pattern.format(name=name, place=draw.choice(_PLACES), day=draw.choice(_DAYS))
            speakers.append({"id": f"s{n}", "name": name, "side": draw.choice(("north", "south"))})
            sentences += [
                words,
                *(f.format(place=draw.choice(_PLACES), n=draw.randrange(5, 99)) for f in draw.sample(_FILLER, 2)),
            ]
            stances.append({"speaker": f"s{n}", "target": "escalation", "stance": stance, "evidence": [words]})
            stances.append({"speaker": f"s{n}", "target": "strike", "stance": "no_stance"})
        has_gold = labelled is None or number < labelled
        if labelled is not None:
            event = f"event-{number % 20}" if has_gold else f"later-{number}"
        gold = {"adjudicator": "generated", "stances": stances} if has_gold else None
        yield {
            "id": f"a{number:07d}",
            "title": f"Day {number} of the fighting near {place}",
            "text": "\n".join(" ".join(sentences[n : n + 3]) for n in range(0, len(sentences), 3)),
            "event": event,
            "source": {"kind": "fictional"},
            "targets": [
                {
                    "id": "escalation",
                    "proposition": "The speaker's own side should raise the conflict's intensity or scope.",
                },
                {"id": "strike", "proposition": f"{place} should strike the depots beyond the border.", "rung": 3},
            ],
            "speakers": speakers,
            "summaries": [{"annotator": "generated", "text": f"{sentences[0]} {sentences[3]}"}],
            **({"gold": gold} if gold else {}),
        }


def write(path: Path, count: int, labelled: int | None = None) -> Path:
    """The articles in a file, block by block: .jsonl, or .parquet with the columns of `harness data convert`."""
    if path.suffix == ".jsonl":
        with path.open("w", encoding="utf-8") as lines:
            lines.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows(count, labelled))
        return path
    import pyarrow as pa
    import pyarrow.parquet as pq

    from harness.data.article_table import article_schema

    source = rows(count, labelled)
    with pq.ParquetWriter(path, article_schema(), compression="zstd") as writer:
        while block := list(islice(source, BLOCK)):
            for row in block:
                for stance in row["gold"]["stances"] if "gold" in row else ():
                    stance["evidence"] = [{"text": e, "occurrence": 1} for e in stance.get("evidence", ())]
            writer.write_table(pa.Table.from_pylist(block, schema=article_schema()))
    return path
