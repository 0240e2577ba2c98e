"""A stand-in for Twitch's chat, on a real socket of this machine: for tests, and for the demo."""

from bitbrat.fake_twitch.server import FakeTwitch as FakeTwitch
from bitbrat.fake_twitch.server import Sent as Sent
from bitbrat.fake_twitch.sockets import Connection as Connection
from bitbrat.fake_twitch.sockets import LineServer as LineServer
