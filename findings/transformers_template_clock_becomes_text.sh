#!/bin/sh
# transformers 5.23.0: a clock that is handed to a chat template reaches it as a text.
# Granite, Mistral, gpt-oss and SmolLM3 templates print strftime_now(...). A template's variables come before its globals, so
# passing strftime_now=... to the renderer stopped the clock in versions 4. We expected the same, or a refusal that names the
# argument. Seen: whatever is no plain data becomes a placeholder such as "<function>", and the template fails with
# "'str' object is not callable".
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'transformers==5.23.0' 'jinja2==3.1.6'
"$folder/venv/bin/python" - <<'PY' 2>/dev/null
from importlib.metadata import version
from transformers.utils.chat_template_utils import render_jinja_template

def strftime_now(format):
    return "26 Jul 2024"

print("transformers", version("transformers"))
chat = [[{"role": "user", "content": "x"}]]
today, _ = render_jinja_template(chat, chat_template="{{ strftime_now('%Y') }}")
shown, _ = render_jinja_template(chat, chat_template="{{ strftime_now }}", strftime_now=strftime_now)
print("its own clock:", today, "| ours, printed:", shown)
try:
    print(render_jinja_template(chat, chat_template="{{ strftime_now('%Y') }}", strftime_now=strftime_now))
except TypeError as error:
    print("ours, called:", error)
    assert "'str' object is not callable" in str(error) and shown == ["<function>"]
else:
    raise SystemExit("the clock was taken")
PY
