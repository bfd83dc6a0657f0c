"""docs/runbook.md has exactly the sections to which alerts link, the next steps that they tell, and real commands."""

import re
import shlex
from pathlib import Path

import click
import pytest
import yaml

from spacex_assets.automation.alerts.advice import ADVICE
from spacex_assets.cli import main
from spacex_assets.config import Settings
from spacex_assets.load.incidents import Kind

ROOT = Path(__file__).parents[3]
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", RUNBOOK, re.MULTILINE | re.DOTALL))
RULES = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text())["groups"][0]["rules"]
TARGETS = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


def anchor(title: str) -> str:
    return re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")


def linked(rule: dict[str, dict[str, str]]) -> str:
    """The section to which a rule of Prometheus links."""
    (found,) = re.findall(r"docs/runbook\.md#([a-z-]+)", rule["annotations"]["summary"])
    return str(found)


def test_there_is_a_section_for_every_kind_and_every_rule_of_prometheus_and_no_other() -> None:
    assert set(ADVICE) == set(Kind)
    kinds = [ADVICE[kind].title for kind in Kind]
    assert list(SECTIONS)[: len(kinds)] == kinds
    assert {anchor(title) for title in SECTIONS} == {*map(anchor, kinds), *map(linked, RULES)}
    for rule in RULES:
        text = next(text for title, text in SECTIONS.items() if anchor(title) == linked(rule))
        assert linked(rule) in map(anchor, kinds) or f"`{rule['alert']}`" in text


@pytest.mark.parametrize("title", SECTIONS)
def test_a_section_says_what_it_means_how_to_look_how_to_mend_and_the_next_step(title: str) -> None:
    text = " ".join(SECTIONS[title].split())
    for part in ("*What it means.*", "*How to look.*", "*How to mend.*", "*When it is over.*"):
        assert part in text
    for advice in ADVICE.values():
        assert advice.title != title or advice.next_step in text


def test_an_anchor_is_what_a_heading_becomes() -> None:
    for advice in ADVICE.values():
        assert advice.anchor == anchor(advice.title)


def commands(page: str) -> list[list[str]]:
    """The words of every command that a page shows, in a block or within a text."""
    text = (ROOT / "docs" / page).read_text()
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = [line for block in blocks for line in block.replace("|\n", "").splitlines()]
    within = re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    lines += [one for one in within if re.match(r"(\S+=\S+ )*(make|docker|\S*python) ", one)]
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def require_ours(arguments: list[str]) -> None:
    """Fails unless our command line takes these arguments."""
    context = click.Context(main)
    command: click.Command = main
    while isinstance(command, click.Group) and arguments and arguments[0] in command.commands:
        command, arguments = command.commands[arguments[0]], arguments[1:]
    assert command is not main, arguments
    command.make_parser(context).parse_args(arguments)


@pytest.mark.parametrize("page", ["runbook.md", "upkeep.md"])
def test_every_command_works_as_it_is_typed(page: str) -> None:
    shown = commands(page)
    assert len(shown) > 8
    for words in shown:
        settings = []
        while re.match(r"[A-Z_]+=", words[0]):
            settings.append(words.pop(0))
        match words:
            case ["make", target, *_]:
                assert target in TARGETS, words
            case [".venv/bin/python", "-m", "spacex_assets", *arguments]:
                require_ours(arguments)
            case [".venv/bin/python", "-m", module, *_]:
                assert (ROOT / f"{module.replace('.', '/')}.py").is_file(), words
            case ["docker", "compose", "exec", *rest]:
                while rest[0].startswith("-"):
                    settings += rest[1:2] if rest[0] == "-e" else []
                    rest = rest[2:] if rest[0] == "-e" else rest[1:]
                assert rest[0] in SERVICES, words
                if rest[1:4] == ["python", "-m", "spacex_assets"]:
                    require_ours(rest[4:])
            case ["docker", "compose", "run", "--rm", service]:
                assert service in SERVICES, words
            case ["docker", "compose", "up" | "ps" | "logs" | "stop", *rest]:
                assert {word for word in rest if not word.startswith("-")} <= {*SERVICES, "50"}, words
            case ["curl", _]:
                pass
            case _:
                raise AssertionError(f"{page}: expected a command that is typed somewhere, found {words}")
        assert {one.partition("=")[0].removeprefix("SPACEX_").lower() for one in settings} <= {*Settings.model_fields}
