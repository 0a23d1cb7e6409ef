#!/bin/sh
# datasets 5.2.0: a Parquet file with a map column does not load at all, not even its other columns.
# map<string, double> is an ordinary Parquet type (pyarrow and polars 2.1 read it). We expected a feature for it, a list of
# {key, value}, or the column to be left out. Seen: ValueError "Arrow type map<...> does not have a datasets dtype equivalent.",
# with columns=["text"] alone as well.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'datasets==5.2.0' 'polars==2.1.0'
export HF_HOME="$folder/hf" HF_HUB_OFFLINE=1
cd "$folder"
"$folder/venv/bin/python" - <<'PY' 2>/dev/null
from importlib.metadata import version
import polars, pyarrow as pa, pyarrow.parquet as pq
from datasets import Dataset
scores = pa.array([[("support", 1.0)]], pa.map_(pa.string(), pa.float64()))
pq.write_table(pa.table({"text": ["x"], "scores": scores}), "map.parquet")
print("datasets", version("datasets"), "| polars", polars.__version__, polars.read_parquet("map.parquet").schema["scores"])
for columns in (None, ["text"]):
    try:
        print(columns, Dataset.from_parquet("map.parquet", columns=columns)[0])
    except Exception as error:
        reason = f"{error} {error.__cause__ or ''}"
        print(columns, type(error).__name__, reason[:120])
        assert "does not have a datasets dtype equivalent" in reason
    else:
        assert columns is not None, "it loads now"
        raise SystemExit("the other columns load")
PY
