#!/bin/sh
# Label Studio 1.23.2: an annotation that is imported without the key `ground_truth` is marked as ground truth, even one that its
# annotator skipped (`was_cancelled: true`, no result); one that is made by hand is not.
# We expected an absent flag to be false, as it is for annotations made through the API, and a skipped task to be no truth.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'label-studio==1.23.2'
export LABEL_STUDIO_BASE_DATA_DIR="$folder" COLLECT_ANALYTICS=false LATEST_VERSION_CHECK=false
export LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN=true
token=0123456789abcdef0123456789abcdef01234567
port=$("$folder/venv/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$folder/venv/bin/label-studio" start --no-browser --internal-host 127.0.0.1 -p "$port" --data-dir "$folder" \
    --username ada@example.org --password a-password-1 --user-token $token > "$folder/log" 2>&1 &
server=$!
trap 'kill $server 2> /dev/null; wait $server 2> /dev/null || true; rm -rf "$folder"' EXIT
ask() { curl -sf -H "Authorization: Token $token" -H 'Content-Type: application/json' "http://127.0.0.1:$port$1" ${2:+-d "$2"}; }
n=0
until ask /api/version > /dev/null; do
    n=$((n + 1))
    [ $n -lt 300 ] || exit 1
    sleep 1
done
config='<View><Labels name=\"l\" toName=\"t\"><Label value=\"A\"/></Labels><Text name=\"t\" value=\"$text\"/></View>'
ask /api/projects/ "{\"title\": \"one\", \"label_config\": \"$config\"}" > /dev/null
ask /api/projects/1/import '[{"data": {"text": "No."}, "annotations": [{"result": [], "was_cancelled": true}]}]' > /dev/null
ask '/api/projects/1/export?exportType=JSON&download_all_tasks=true' > "$folder/out.json"
"$folder/venv/bin/python" - "$folder/out.json" <<'PY'
import json, sys
entry = json.load(open(sys.argv[1]))[0]["annotations"][0]
print({k: entry[k] for k in ("was_cancelled", "ground_truth", "result")})
assert entry["was_cancelled"] is True and entry["ground_truth"] is True
PY
