#!/usr/bin/env bash
# datasets 5.2.0: a file of JSON lines whose nested records have not all the same keys is read as records, but
# `to_parquet` writes each of them as a text of JSON. We expected structs with nulls, as datasets 4 wrote them and as a file
# gets whose records are alike. datasets itself reads the file back as records; pyarrow and pandas give texts.
# Output seen:
#   List(Json(decode=True))  in datasets: [{'stance': 'support'}]  in pyarrow: ['{"stance":"support"}']
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check datasets==5.2.0
HF_HOME="$folder/home" "$folder/venv/bin/python" - "$folder" <<'PYTHON'
import json
import sys
from pathlib import Path

import datasets
import pyarrow.parquet as pq

datasets.disable_progress_bars()
folder = Path(sys.argv[1])
rows = [{"id": "a", "gold": [{"stance": "support"}]}, {"id": "b", "gold": [{"stance": "oppose", "note": "unclear"}]}]
(folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
table = datasets.Dataset.from_json(str(folder / "rows.jsonl"), cache_dir=str(folder / "cache"))
table.to_parquet(folder / "rows.parquet")
inside, outside = table[0]["gold"], pq.read_table(folder / "rows.parquet").to_pylist()[0]["gold"]
print(table.features["gold"], " in datasets:", inside, " in pyarrow:", outside)
sys.exit(inside != [{"stance": "support"}] or outside != ['{"stance":"support"}'])
PYTHON
