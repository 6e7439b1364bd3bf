"""A scenario in which there is nothing to run."""

from harness.checkers import standard
from harness.scenario import Scenario

scenario = Scenario(name="empty", title="Nothing at all", requirements=(), checkers=standard(), cells=())
