#!/usr/bin/env bash
# lm-evaluation-harness 0.4.13: a relative path in a task's `dataset_kwargs: data_files:` is taken from the folder that lm_eval runs in, not
# from the folder of the task's YAML, although `include:` and `!function` in the same file are taken from there.
# So a task that carries its own data and is found by `--include_path` works from one folder only.
# Output seen:
#   FileNotFoundError: Unable to find '<folder>/elsewhere/words.jsonl'
#   with !function: 1 document
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'lm-eval==0.4.13'
mkdir "$folder/task" "$folder/elsewhere"
echo '{"question": "1+1=", "choices": ["2", "3"], "gold": 0}' > "$folder/task/words.jsonl"
cat > "$folder/task/words.py" <<'PYTHON'
from pathlib import Path
from datasets import load_dataset
def documents(**_):
    return load_dataset("json", data_files={"test": str(Path(__file__).with_suffix(".jsonl"))})
PYTHON
common='test_split: test
output_type: multiple_choice
doc_to_text: question
doc_to_choice: choices
doc_to_target: gold
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]'
printf 'task: words_by_path\ndataset_path: json\ndataset_kwargs: {data_files: {test: words.jsonl}}\n%s\n' "$common" > "$folder/task/by_path.yaml"
printf 'task: words_by_function\ncustom_dataset: !function words.documents\n%s\n' "$common" > "$folder/task/by_function.yaml"
cat > "$folder/show.py" <<'PYTHON'
import sys
from lm_eval.tasks import TaskManager
manager = TaskManager(include_path=sys.argv[1], include_defaults=False)
try:
    manager.load_task_or_group("words_by_path")
    sys.exit("changed: the path was taken from the task's folder")
except FileNotFoundError as error:
    print("FileNotFoundError:", error)
    assert str(error).endswith("elsewhere/words.jsonl'"), error
[task] = manager.load_task_or_group("words_by_function").values()
print("with !function:", len(task.test_docs()), "document")
PYTHON
cd "$folder/elsewhere"
HF_HOME="$folder/hf" HF_HUB_OFFLINE=1 "$folder/venv/bin/python" "$folder/show.py" "$folder/task"
