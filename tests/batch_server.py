"""The Batch API as OpenAI documents it, in memory, for the server of tests: files, validation, batches, and their crashes.

A batch moves one step with every look at it: validating, in_progress, finalizing, completed. What it answers is billed.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import Any

STEPS = ("validating", "in_progress", "finalizing", "completed")


@dataclass
class BatchServer:
    """Files and batches by id; `answer` gives status and body for a line's body.

    `expires_after` answers end a batch as expired. `events` counts what was asked for, `billed` how often each request
    was answered; `held` batches stay in progress; `lost` counts down the creations whose response never arrives.
    """

    answer: Callable[[dict[str, Any]], tuple[int, dict[str, Any]]]
    steps: tuple[str, ...] = STEPS
    expires_after: int | None = None
    lost: int = 0
    held: bool = False
    page: int = 100
    files: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: Counter[str] = field(default_factory=Counter)
    billed: Counter[str] = field(default_factory=Counter)
    looked: threading.Event = field(default_factory=threading.Event)

    def get(self, path: str, query: dict[str, str]) -> tuple[int, bytes]:
        parts = path.strip("/").split("/")
        self.events[f"GET {parts[0]}{'/*' if len(parts) > 1 else ''}"] += 1
        if parts[0] == "files" and parts[-1] == "content" and parts[1] in self.files:
            return 200, self.files[parts[1]]
        if parts == ["batches"]:
            newest = list(reversed(self.batches.values()))
            start = next((i + 1 for i, b in enumerate(newest) if b["id"] == query.get("after")), 0)
            page = newest[start : start + min(self.page, int(query.get("limit", 20)))]
            more = start + len(page) < len(newest)
            return _json(200, {"object": "list", "data": page, "has_more": more})
        if parts[0] == "batches" and len(parts) == 2 and parts[1] in self.batches:
            batch = self._step(self.batches[parts[1]])
            if batch["status"] == "in_progress":
                self.looked.set()
            return _json(200, batch)
        return _error(404, f"No such object: {path}")

    def post(self, path: str, kind: str, content: bytes) -> tuple[int, bytes] | None:
        """A response, or None where the connection breaks before it."""
        self.events[f"POST {path.strip('/')}"] += 1
        if path == "/files":
            form = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + content)
            parts = {p.get_param("name", header="content-disposition"): p for p in form.get_payload()}  # type: ignore[union-attr, misc]
            if parts["purpose"].get_payload().strip() != "batch":  # type: ignore[union-attr]
                return _error(400, "purpose must be batch")
            name = f"file-{len(self.files)}"
            self.files[name] = parts["file"].get_payload(decode=True)  # type: ignore[union-attr, assignment]
            return _json(200, {"id": name, "object": "file", "bytes": len(self.files[name]), "purpose": "batch"})
        wish = json.loads(content)
        if wish.get("completion_window") != "24h" or wish.get("input_file_id") not in self.files:
            return _error(400, "Invalid batch: completion_window and input_file_id")
        name = f"batch_{len(self.batches)}"
        self.batches[name] = {
            "id": name,
            "object": "batch",
            "status": self.steps[0],
            "errors": None,
            "output_file_id": None,
            "error_file_id": None,
            "request_counts": {"total": 0, "completed": 0, "failed": 0},
            **wish,
        }
        if self.lost:
            self.lost -= 1
            return None
        return _json(200, self.batches[name])

    def _step(self, batch: dict[str, Any]) -> dict[str, Any]:
        now = dict(batch)
        if batch["status"] in self.steps[:-1] and not (self.held and batch["status"] == "in_progress"):
            self._advance(batch)
        return now

    def _advance(self, batch: dict[str, Any]) -> None:
        lines = [json.loads(line) for line in self.files[batch["input_file_id"]].splitlines()]
        if batch["status"] == "validating" and (errors := _invalid(lines, batch["endpoint"])):
            batch |= {"status": "failed", "errors": {"object": "list", "data": errors}}
            return
        batch["status"] = self.steps[self.steps.index(batch["status"]) + 1]
        batch["request_counts"] = {"total": len(lines), "completed": 0, "failed": 0}
        if batch["status"] != "completed":
            return
        output, failed = [], []
        for number, line in enumerate(lines):
            name, row = line["custom_id"], {"id": f"req_{number}", "custom_id": line["custom_id"]}
            if self.expires_after is not None and number >= self.expires_after:
                error = {
                    "code": "batch_expired",
                    "message": "This request could not be executed before the batch expired.",
                }
                failed.append({**row, "response": None, "error": error})
                batch["status"] = "expired"
                continue
            status, body = self.answer(line["body"])
            self.billed[name] += status == 200
            response = {"status_code": status, "request_id": f"r{number}", "body": body}
            (output if status == 200 else failed).append({**row, "response": response, "error": None})
        # as in real output files, the order is not that of the input
        for field_name, rows in (("output_file_id", output[::-1]), ("error_file_id", failed)):
            if rows:
                batch[field_name] = f"file-{len(self.files)}"
                self.files[batch[field_name]] = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
        batch["request_counts"] = {"total": len(lines), "completed": len(output), "failed": len(failed)}


def _invalid(lines: list[dict[str, Any]], endpoint: str) -> list[dict[str, Any]]:
    errors = []
    names = Counter(line.get("custom_id") for line in lines)
    for number, line in enumerate(lines, 1):
        if line.get("url") != endpoint or line.get("method") != "POST":
            errors.append({"code": "invalid_url", "message": "The URL does not match the batch.", "line": number})
        elif not line.get("body", {}).get("model") or line["body"]["model"] == "unknown":
            errors.append({"code": "model_not_found", "message": "The model does not exist.", "line": number})
        elif names[line["custom_id"]] > 1 or len(line["custom_id"]) > 64:
            errors.append({"code": "duplicate_custom_id", "message": "custom_id must be unique.", "line": number})
    return errors


def _json(status: int, content: dict[str, Any]) -> tuple[int, bytes]:
    return status, json.dumps(content).encode()


def _error(status: int, message: str) -> tuple[int, bytes]:
    return _json(status, {"error": {"message": message, "type": "invalid_request_error"}})
