#!/bin/sh
# doccano 1.8.4, the newest release: `pip install doccano==1.8.4` succeeds on the Python that it asks for and gives a program that
# cannot start. We expected a released package to start, or pip to refuse. It leaves environs' marshmallow without an upper
# bound; `doccano init` ends in AttributeError: module 'marshmallow' has no attribute '__version_info__'. With marshmallow
# below 4 it still answers 500 to every request, for numpy 2 beside pandas 1.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.10}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'doccano==1.8.4' 'setuptools<81'
export HOME="$folder" DOCCANO_HOME="$folder" DATABASE_URL="sqlite:///$folder/doccano.db"
if "$folder/venv/bin/doccano" init > "$folder/log" 2>&1; then
    echo "doccano starts now"
    exit 1
fi
tail -1 "$folder/log"
grep -q "module 'marshmallow' has no attribute '__version_info__'" "$folder/log"
"$folder/venv/bin/pip" install --quiet 'marshmallow<4'
if "$folder/venv/bin/python" -c 'import pandas' > "$folder/log" 2>&1; then
    echo "pandas is importable now"
    exit 1
fi
tail -1 "$folder/log"
grep -q 'numpy.dtype size changed' "$folder/log"
