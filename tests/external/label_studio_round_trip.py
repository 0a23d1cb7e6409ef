"""Sends a dataset through a real Label Studio and counts what changed: tasks in, JSON export out, stances compared.

    python tests/external/label_studio_round_trip.py datasets/escalation

It needs the network for pip; the server listens on 127.0.0.1, keeps its data in a temporary folder and is ended by its
process id. Prints `gold N: 0 stances changed` and ends with 1 if any changed.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

from tests.external.servers import Client, changes, free_port, started, venv

PINNED = "label-studio==1.23.2"
TOKEN = "0123456789abcdef0123456789abcdef01234567"


def main(dataset: str) -> int:
    """The number of gold stances that changed, as an exit status."""
    from harness.data.convert import export_dataset, import_file

    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        python = venv(folder / "venv", PINNED)
        export_dataset("label_studio", Path(dataset), folder / "tasks.json", {})
        environment = {
            **os.environ,
            "LABEL_STUDIO_BASE_DATA_DIR": name,
            "COLLECT_ANALYTICS": "false",
            "LATEST_VERSION_CHECK": "false",
            "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        }
        user = ["--username", "ada@example.org", "--password", "a-password-1", "--user-token", TOKEN]
        place = ["--internal-host", "127.0.0.1", "-p", str(port), "--data-dir", name]
        command = [str(python.with_name("label-studio")), "start", "--no-browser", *place, *user]
        client = Client(f"http://127.0.0.1:{port}", {"Authorization": f"Token {TOKEN}"})
        with started(command, environment, client, "/api/version"):
            config = (folder / "tasks.xml").read_text(encoding="utf-8")
            project = client.json("POST", "/api/projects/", {"title": "Round trip", "label_config": config})["id"]
            tasks = json.loads((folder / "tasks.json").read_text(encoding="utf-8"))
            print(client.json("POST", f"/api/projects/{project}/import", tasks))
            query = f"/api/projects/{project}/export?exportType=JSON&download_all_tasks=true"
            (folder / "back.json").write_bytes(client.bytes("GET", query))
        imported = import_file("label_studio", folder / "back.json", folder / "back", {})
        print(f"{len(imported.losses)} losses")
        return changes(Path(dataset), folder / "back")


if __name__ == "__main__":
    sys.exit(1 if main(*sys.argv[1:]) else 0)
