"""What stands for the program pulumi."""

import json
import sys
import textwrap
from pathlib import Path


class Pulumi:
    """What stands for the program: each call runs the next text of Python, with `note(described, deployed)` at hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        program = folder / "nothing" / "pulumi"
        program.write_text(
            f"#!{sys.executable} -ISB\n"  # without what an environment adds it starts in a third of the time
            + textwrap.dedent(
                f"""
                import json, pathlib, signal, sys, time
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
                """
            )
        )
        program.chmod(0o755)

    def does(self, *steps: str) -> None:
        (self.folder / "steps.json").write_text(json.dumps(steps))

    @property
    def calls(self) -> list[list[str]]:
        return json.loads((self.folder / "calls.json").read_text())
