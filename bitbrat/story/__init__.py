"""The story of an envelope: a sentence, a waterfall, and why. What ``bitbrat trace`` shows and the API gives. Pure."""

from bitbrat.story.model import Row, Story
from bitbrat.story.telling import story_of, story_of_record

__all__ = ["Row", "Story", "story_of", "story_of_record"]
