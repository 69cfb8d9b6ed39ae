"""The workflow does what .ci/run does."""

import json
import re
import tomllib
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import yaml
from jsonschema.validators import validator_for

ROOT = Path(__file__).parents[2]


def _workflow() -> dict[str, Any]:
    loaded = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    # YAML 1.1 takes the key `on` for a boolean.
    return {"on" if key is True else key: value for key, value in loaded.items()}


def test_workflow_is_valid_by_its_schema() -> None:
    vendored = "check_jsonschema/builtin_schemas/vendor/github-workflows.json"
    path = distribution("check-jsonschema").locate_file(vendored)
    schema = json.loads(Path(str(path)).read_text())
    errors = validator_for(schema)(schema).iter_errors(_workflow())

    assert [f"{error.json_path}: {error.message}" for error in errors] == []


def test_every_command_of_the_local_run_is_a_step() -> None:
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    commands = [line for line in lines if line and not re.match(r"#|set |cd ", line)]
    (job,) = _workflow()["jobs"].values()
    steps = [step for step in job["steps"] if "run" in step]

    assert commands
    assert [step["run"] for step in steps][-len(commands) :] == commands
    assert [step for step in steps if "if" in step or "continue-on-error" in step] == []


def test_oldest_supported_python_is_among_those_tried() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    (job,) = _workflow()["jobs"].values()

    oldest = pyproject["project"]["requires-python"].removeprefix(">=")
    assert oldest in job["strategy"]["matrix"]["python"]


def test_actions_are_pinned_to_a_major_version() -> None:
    (job,) = _workflow()["jobs"].values()
    used = [step["uses"] for step in job["steps"] if "uses" in step]

    assert used
    assert [action for action in used if not re.search(r"@v\d+$", action)] == []
