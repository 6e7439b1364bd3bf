"""A scenario in which there is nothing to run."""

from harness import Scenario
from harness.checkers import standard

scenario = Scenario(name="empty", title="Nothing at all", requirements=(), checkers=standard(), cells=())
