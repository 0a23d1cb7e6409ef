#!/usr/bin/env bash
# inspect-ai 0.3.285: its mock model, which answers without any server, downloads a tokenizer (o200k_base of tiktoken, from
# openaipublic.blob.core.windows.net) to count the tokens of an answer that says nothing of them. Without that host every sample ends with
# an error, whose text names a model's vocabulary and no cause; an answer that brings a `usage` of its own is counted without it.
# Output seen:
#   default answer: error ProxyError
#   with usage: success
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'inspect-ai==0.3.285'
cat > "$folder/show.py" <<'PYTHON'
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import match
task = Task(dataset=[Sample(input="1+1=", target="2")], scorer=match())
def outcome(usage):
    output = ModelOutput.from_content("mockllm/model", "2")
    output.usage = usage
    return eval(task, model=get_model("mockllm/model", custom_outputs=[output], memoize=False), display="none", log_dir="logs")[0]
log = outcome(None)
name = log.error.message.partition("(")[0] if log.error else ""
print("default answer:", log.status, name)
assert log.status == "error" and "o200k_base" in log.error.message
log = outcome(ModelUsage(input_tokens=4, output_tokens=1, total_tokens=5))
print("with usage:", log.status)
assert log.status == "success"
PYTHON
cd "$folder"
# an empty cache, and a proxy that nobody serves: no host can be reached
HOME="$folder" TIKTOKEN_CACHE_DIR="$folder/cache" HTTPS_PROXY=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9 "$folder/venv/bin/python" show.py
