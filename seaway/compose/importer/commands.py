"""Whether a command ends or runs permanently, by its last step: a guess, where compose does not say it."""

import posixpath
import re
from collections.abc import Iterator, Sequence

_ENDS = re.compile(
    r"migrat\w*|makemigrations|seed\w*|init|setup|bootstrap|provision|configure|create\w*|generate|collectstatic|loaddata|install"
    r"|upgrade|exit|true|echo|cat|ls|date|chown|chmod|mkdir|cp|mv|ln|mb|alias|policy|put|apply|curl|wget|nc|psql|mysql"
    r"|\w*dump\w*|restore|mongorestore|backup|import|export|wait|test|pytest|build|compile|sleep"
)
_RUNS = re.compile(
    r"workers?|work|serve|server|runserver|start|daemon|watch\w*|beat|scheduler|consume\w*|listen\w*|sidekiq|bot|cron\w*"
    r"|gunicorn|uvicorn|puma|run_forever|poll\w*|agent|supervisord|httpd|nginx"
)
"""Words of a program or its subcommand."""

_WORKERS = re.compile(r"workers?|celery|sidekiq|beat|scheduler|consume\w*|cron\w*|queue")

_CLIENTS = re.compile(r"mc|aws-cli|awscli|curl|hello-world|migrate|flyway|liquibase|wait-for.*|kcat|git")
_SHELLS = re.compile(r"busybox|alpine|debian|ubuntu|hello-world")
"""Images by name: clients whose commands end, and images whose own command ends (a shell without a terminal)."""

_PERMANENT = re.compile(
    r"\bwhile\s+(?:true|:|\[\s*1\s*\]|sleep)|\btail\s+(?:-\S+\s+)*-[fF]|\bsleep[\s(]+(?:inf|[0-9]{4})|/sbin/init"
)


def runs_permanently(command: Sequence[str]) -> bool:
    """Whether it is known to be a server or a worker. ``command``: the words of entrypoint and command."""
    return _decide(command) is False


def is_worker(command: Sequence[str]) -> bool:
    """Whether it is known to take jobs from a queue, and no requests."""
    return any(_WORKERS.fullmatch(word) for word in _list_words(" ".join(_skip_shell(command))))


def ends(command: Sequence[str], image: str, *, has_terminal: bool = False) -> bool:
    """Whether it is known to end: a migration, or a client. ``image``: the short name of its image."""
    name = posixpath.basename(image)
    if not command:
        return bool(_SHELLS.fullmatch(name)) and not has_terminal
    decision = _decide(command)
    return bool(_CLIENTS.fullmatch(name)) if decision is None else decision


def _decide(command: Sequence[str]) -> bool | None:
    """Whether it ends, by the first word that tells; None: unknown."""
    script = " ".join(_skip_shell(command))
    if _PERMANENT.search(script):
        return False
    for word in _list_words(script):
        if _ENDS.fullmatch(word):
            return True
        if _RUNS.fullmatch(word):
            return False
    return None


def _skip_shell(command: Sequence[str]) -> Sequence[str]:
    if not command or posixpath.basename(command[0]) not in ("sh", "bash", "ash", "dash", "zsh"):
        return command
    return [word for word in command[1:] if not re.fullmatch(r"-[a-z]+", word)]


def _list_words(script: str) -> Iterator[str]:
    """The parts of the program and its subcommands in the last step of a script, then its long options.

    ``wait-for-it db:5432 -- python manage.py db:migrate --fake=true`` has python, manage, py, db and migrate.
    """
    steps = [step.strip() for step in re.split(r"&&|\|\||[;\n|]", script)]
    steps = [step for step in steps if step and not re.match(r"(done|fi|esac|else)\b|[})]", step)] or [""]
    words = re.sub(r"[<>]\s*\S+", "", re.sub(r"^.*\s--\s+(?=[^-])", "", steps[-1])).split()
    for word in words[:6]:
        if not word.startswith("-") and "=" not in word:
            yield from re.split(r"\W+", word)
    yield from (word.removeprefix("--") for word in words if word.startswith("--"))
