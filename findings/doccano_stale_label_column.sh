#!/bin/sh
# doccano 1.8.4: an export of a relation project has two label columns that contradict each other.
# A JSONL line that is imported into a project with relations is read from its column `entities`; a column `label` in the same
# line is kept as metadata, and stands beside the real `entities` on export, unchanged by anything that annotators did.
# We expected `label`, a column that doccano itself writes in other projects, to be read, refused or overwritten.
# Shown here by the exporter's own step that puts a line together. Seen: the old label OLD comes out beside the real one.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.10}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'doccano==1.8.4' 'setuptools<81' 'marshmallow<4' 'numpy<2' 'scikit-learn<1.5'
export HOME="$folder" DOCCANO_HOME="$folder" STANDALONE=True DJANGO_SETTINGS_MODULE=config.settings.production
export DATABASE_URL="sqlite:///$folder/doccano.db"
cat > "$folder/show.py" <<'PY'
import sys
from pathlib import Path
import site
sys.path.insert(0, next(p for p in map(str, (Path(s) / "backend" for s in site.getsitepackages())) if Path(p).is_dir()))
import django
django.setup()
from data_export.pipeline.dataset import Dataset
from data_export.pipeline.factories import create_formatter
from data_export.models import ExportedExample
from projects.models import ProjectType

class Project:
    project_type, use_relation = ProjectType.SEQUENCE_LABELING, True

span = type("Span", (), {"to_dict": lambda self: {"id": 1, "label": "NEW", "start_offset": 0, "end_offset": 4}})()
labels = type("Labels", (), {"find_by": lambda self, _: {"entities": [span], "relations": []}})()
notes = type("Notes", (), {"find_by": lambda self, _: {"Comments": []}})()
example = ExportedExample(id=1, text="Shut", meta={"label": [[0, 4, "OLD"]]})
frame = Dataset([example], [labels], [notes]).to_dataframe()
for step in create_formatter(Project, "JSONL"):
    frame = step.format(frame)
row = frame.to_dict(orient="records")[0]
print({k: row[k] for k in ("label", "entities")})
assert row["label"] == [[0, 4, "OLD"]] and row["entities"][0]["label"] == "NEW"
PY
"$folder/venv/bin/python" "$folder/show.py"
