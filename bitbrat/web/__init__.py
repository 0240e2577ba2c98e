"""The HTTP side of a process: a hardened aiohttp shell, health, metrics, and every error as ``application/problem+json``."""

from bitbrat.web.access import check_bearer, check_host, check_origin
from bitbrat.web.app import Endpoint, make_app
from bitbrat.web.body import JsonBody, read_body, read_json_body
from bitbrat.web.health import Health
from bitbrat.web.problems import HttpError, Invalid, status_of
from bitbrat.web.server import HttpServer, serve
from bitbrat.web.shell import HttpLimits, request_id

__all__ = [
    "Endpoint",
    "Health",
    "HttpError",
    "HttpLimits",
    "HttpServer",
    "Invalid",
    "JsonBody",
    "check_bearer",
    "check_host",
    "check_origin",
    "make_app",
    "read_body",
    "read_json_body",
    "request_id",
    "serve",
    "status_of",
]
