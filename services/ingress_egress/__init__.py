"""Ingress and egress: every event enters here as an envelope, and every reply leaves here."""

from bitbrat import Service
from services.ingress_egress import chat, egress, http
from services.ingress_egress.connections import Connections
from services.ingress_egress.settings import IngressEgressSettings

service = Service("ingress-egress", settings=IngressEgressSettings, state=Connections)

chat.register(service)
http.register(service)
egress.register(service)
