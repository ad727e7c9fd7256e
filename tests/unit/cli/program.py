"""What stands for the program pulumi."""

import json
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

from seaway.project import release
from seaway.release import record, stack_state
from seaway.syntax import encode

STATE = """
import pathlib, sys
if sys.argv[1:3] == ["stack", "export"] and "--file" not in sys.argv:
    state = pathlib.Path({folder!r}, f"state.{{sys.argv[sys.argv.index('--stack') + 1]}}.json")
    print(state.read_text() if state.exists() else '{{"version": 3, "deployment": {{}}}}')
    sys.exit(0)
"""
"""Answers `pulumi stack export` from the file that ``write_state`` wrote; it is not among the calls."""


def install_pulumi(folder: Path, more: str = "sys.exit('not here')") -> None:
    """Put the program into the folder that is the PATH."""
    file = folder / "nothing" / "pulumi"
    # Without what an environment adds it starts in a third of the time.
    file.write_text(f"#!{sys.executable} -ISB\n{STATE.format(folder=str(folder))}{textwrap.dedent(more)}")
    file.chmod(0o755)


def write_state(
    folder: Path,
    release_record: record.ReleaseRecord,
    *,
    history: Sequence[record.RecordSummary] = (),
    provenance: release.Provenance | None = None,
    since: str = "2026-01-01T00:00:00Z",
) -> None:
    """What the state of a stack has of the release that was deployed last."""
    outputs = {
        "namespace": release_record.environment.namespace,
        "release": release_record.id,
        "record": release_record.to_plain(),
        "provenance": encode.to_plain(provenance or release.Provenance()),
        "since": since,
        "history": stack_state.encode_history(history),
    }
    urn = "urn:pulumi:dev::seaway::seaway:index:Application$seaway:index:Release::release"
    resources = [{"urn": urn, "type": stack_state.RELEASE_TYPE, "outputs": outputs}]
    state = {"version": 3, "deployment": {"resources": resources}}
    (folder / f"state.{release_record.environment.settings.stack}.json").write_text(json.dumps(state))


class FakePulumi:
    """What stands for the program: each call runs the next text of Python, with `note(described, deployed)` at hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        install_pulumi(
            folder,
            f"""
            import json, signal, time
            calls = pathlib.Path({str(folder)!r}, "calls.json")
            done = json.loads(calls.read_text()) if calls.exists() else []
            calls.write_text(json.dumps([*done, sys.argv[1:]]))
            def note(described, deployed):
                file = pathlib.Path({str(folder)!r}, ".seaway", "release.dev.json")
                file.parent.mkdir(exist_ok=True)
                file.write_text(json.dumps(dict(described=described, deployed=deployed)))
            def delete(path):
                import urllib.request
                urllib.request.urlopen(urllib.request.Request(path, method="DELETE"))
            exec(json.loads(pathlib.Path({str(folder)!r}, "steps.json").read_text())[len(done)])
            """,
        )

    def set_steps(self, *steps: str) -> None:
        (self.folder / "steps.json").write_text(json.dumps(steps))

    @property
    def calls(self) -> list[list[str]]:
        return json.loads((self.folder / "calls.json").read_text())
