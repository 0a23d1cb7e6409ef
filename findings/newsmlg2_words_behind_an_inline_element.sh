#!/usr/bin/env bash
# newsmlg2 1.1: the text of a headline (or any other label) ends at its first inline element. NewsML-G2 allows `a`, `span`,
# `br`, `inline` and `ruby` in a headline; the words in and behind one are not in the object's text.
# Output seen:
#   'Mayor says'
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --target "$folder" newsmlg2==1.1 lxml==6.1.3
PYTHONPATH=$folder python3 - <<'PYTHON'
import sys

from NewsMLG2.document import NewsMLG2Document

item = b"""<?xml version="1.0" encoding="UTF-8"?>
<newsItem xmlns="http://iptc.org/std/nar/2006-10-01/" guid="urn:newsml:example.com:1" version="1" standard="NewsML-G2"
 standardversion="2.24" conformance="power" xml:lang="en">
<itemMeta><itemClass qcode="ninat:text"/><provider uri="http://example.com"/>
<versionCreated>2018-11-21T16:25:32-05:00</versionCreated><pubStatus qcode="stat:usable"/></itemMeta>
<contentMeta><headline>Mayor says <a href="http://example.com/no">no</a> to war</headline></contentMeta>
<contentSet><inlineData contenttype="text/plain">She said no.</inlineData></contentSet></newsItem>"""
headline = str(NewsMLG2Document(item).get_item().contentmeta.headline[0])
print(repr(headline))
sys.exit(headline.strip() != "Mayor says")
PYTHON
