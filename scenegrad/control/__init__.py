"""Acting on what is simulated: policies in the loop, and environments made from scenes."""

from scenegrad.control.actions import Actions
from scenegrad.control.episode import Episode, Policy, episode
from scenegrad.control.feedback import Feedback
from scenegrad.control.sensing import Bodies, Joined, Observation, Outputs, Phases
from scenegrad.control.task import Task, Transition
from scenegrad.control.world import World

__all__ = [
    "Actions", "Bodies", "Episode", "Feedback", "Joined", "Observation", "Outputs", "Phases", "Policy", "Task",
    "Transition", "World", "episode",
]  # fmt: skip
