"""The catalogue: every error code, what it means, and what to do about it.

One spelling everywhere: the step's ``error.code``, the log's ``code``, the dead letter's reason, the suffix of a problem
response's ``type``, and the argument of ``bitbrat explain CODE``.
"""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """What a code means, in a sentence, and the fix: a command to run or an action to take."""

    what: str
    fix: str


CATALOGUE: dict[str, Entry] = {
    # envelope: bytes that we do not accept
    "envelope.empty": Entry("The message has no bytes.", "Publish an envelope; see envelopes/ for examples."),
    "envelope.not_json": Entry("The bytes are not JSON.", "Send one JSON object in UTF-8 without a byte order mark."),
    "envelope.not_utf8": Entry("The bytes are not UTF-8.", "Encode the JSON as UTF-8."),
    "envelope.not_object": Entry("The JSON is not an object.", "Send one JSON object."),
    "envelope.trailing_data": Entry("There is something after the JSON object.", "Send exactly one JSON object a message."),
    "envelope.too_deep": Entry("The JSON is nested more than 32 deep.", "Flatten the payload."),
    "envelope.too_large": Entry("The envelope is larger than the limit.", "Keep large things elsewhere and send a reference."),
    "envelope.bad_number": Entry("A number is not finite, or has too many digits.", "Send it as a string."),
    "envelope.bad_unicode": Entry("A string holds half of a surrogate pair.", "Send whole characters."),
    "envelope.id_not_string": Entry("An id is not a string.", "Send ids as strings; numbers lose digits."),
    "envelope.bad_id": Entry(
        "The id is missing, empty, longer than 128 characters, or has a character that is not allowed.", "Let ingress mint the id."
    ),
    "envelope.duplicate_key": Entry("One key stands twice in an object.", "Send each key once."),
    "envelope.unsupported_version": Entry(
        "This contract version is not one we speak.", "Upgrade this service, or replay the message after the upgrade."
    ),
    "envelope.bad_timestamp": Entry("A time is not RFC 3339 with a zone.", "Write it as 2026-01-31T12:00:00Z."),
    "envelope.missing_field": Entry("A required field is missing.", "See envelopes/envelope.v1.schema.json for what is required."),
    "envelope.bad_field": Entry("A field has the wrong type or form.", "See envelopes/envelope.v1.schema.json for the type of each field."),
    "envelope.id_conflict": Entry(
        "The same id came again with other content; the first one counts.", "Give each event its own source event id."
    ),
    # slip: where an envelope goes
    "slip.bad": Entry("The routing slip is not a list of steps.", "Let the router write the slip."),
    "slip.too_long": Entry("The routing slip has more than 32 steps.", "Use fewer steps, or a step that does more."),
    "slip.bad_step": Entry("A step on the slip is not well formed.", "See envelopes/envelope.v1.schema.json, RoutingStep."),
    "slip.no_destination": Entry("A step on the slip has no destination.", "Name the topic of the step."),
    "slip.forbidden_destination": Entry(
        "A destination is not a topic that may be used there.", "Use topics of this deployment: bitbrat run prints them at start."
    ),
    "slip.unroutable": Entry("No service in this deployment listens there.", "Start the service, or correct the rule."),
    "slip.inconsistent": Entry("The statuses on the slip contradict each other.", "Replay the original from the router."),
    "slip.wrong_step": Entry(
        "The message arrived on a topic that is not its current step's.",
        "Replay the original; look for a service that publishes by itself.",
    ),
    "slip.too_many_reroutes": Entry(
        "The envelope asked for a new slip more than 10 times.", "Look for two rules that send it to each other: bitbrat trace ID."
    ),
    "slip.no_completion": Entry(
        "The slip ended and the envelope names no completion destination.", "Set finalizationDestination; ingress does."
    ),
    # step: a handler
    "step.crashed": Entry(
        "The handler raised an exception.", "Read the error with bitbrat trace ID, mend the step, then bitbrat dlq replay ID."
    ),
    "step.timeout": Entry(
        "The handler took longer than its timeout and was cancelled.", "Raise the step's timeout, or make the work shorter."
    ),
    "step.crash_loop": Entry(
        "The message killed the process each time it was tried.", "Look at the payload with bitbrat dlq show ID before replaying it."
    ),
    "step.unknown_outcome": Entry(
        "The process died around a call that must not be repeated; whether it happened is unknown.",
        "Check by hand, then bitbrat dlq replay ID.",
    ),
    "step.failed": Entry("The step says that it failed.", "See the step's message: bitbrat trace ID."),
    "step.bad_outcome": Entry(
        "The handler returned something that is not an outcome.", "Return Next, Skip, Handled, Failed, Revise or Reroute."
    ),
    # bus
    "bus.bad_header": Entry("A header is not ASCII or the headers are too large.", "Headers come from the platform only; report this."),
    "bus.forbidden_header": Entry("A header name is not on the allow list.", "Headers come from the platform only; report this."),
    "bus.unavailable": Entry("The bus does not answer.", "Look at the broker: bitbrat doctor."),
    "bus.refused": Entry("The broker refuses what was asked of it.", "Read the reason; look at the broker: bitbrat doctor."),
    "bus.changed": Entry(
        "A stream or a consumer was deleted on the broker while in use.",
        "Find out who did it; starting again makes what is missing.",
    ),
    "bus.full": Entry("The ingress topic is full.", "Wait; it drains by itself. Look at the slowest service: bitbrat doctor."),
    "bus.closed": Entry("The bus is closed.", "The process is stopping; try again later."),
    "bus.in_use": Entry("Another process owns this SQLite file.", "Stop it, or use another file."),
    # store
    "store.unavailable": Entry("The store does not answer.", "Look at the database: bitbrat doctor."),
    "store.closed": Entry("The store is closed.", "The process is stopping; try again later."),
    "store.in_use": Entry("Another process owns this SQLite file.", "Stop it, or use another file."),
    "store.bad_row": Entry("A stored row cannot be read; it was set aside.", "Look at it with the database's own tools."),
    "store.contended": Entry(
        "Two transactions wanted the same rows for too long, or waited for each other.",
        "Nothing was written; it is tried again. Keep transactional steps short, and touch documents in one order.",
    ),
    "store.bad_value": Entry(
        "A value that is not JSON, or a name that cannot be kept.", "Store JSON values; see the message for the place."
    ),
    "store.conflict": Entry("The document was changed by somebody else in between.", "Read it again and retry."),
    "store.schema": Entry(
        "The store's schema is not the one this version needs.", "Use the version of BitBrat that made it, or a new file."
    ),
    # auth: who is heard
    "auth.banned": Entry("The user is banned here.", "Take the user off BITBRAT_AUTH__BANNED, or set banned to false in the record."),
    # dlq: what operators do about failures
    "dlq.not_found": Entry("There is no final record with this id.", "List the failures: bitbrat dlq list."),
    "dlq.unreadable": Entry(
        "These bytes are no envelope, so they cannot be sent again.",
        "Look at them with bitbrat dlq show ID; mend the sender; discard them.",
    ),
    "dlq.not_open": Entry("This failure is being replayed, was replayed, or was discarded.", "See its state: bitbrat dlq show ID."),
    # rules: a rules file that was refused (the old rules stay active), and warnings about one
    "rules.bad_yaml": Entry("The rules file is not YAML that we accept.", "Correct the named line; the old rules stay active."),
    "rules.unreadable": Entry("A rules file cannot be read.", "Look at its path and its permissions; the old rules stay active."),
    "rules.bad_rule": Entry("A rule has a part that makes no sense.", "Correct the named line; see docs/reference/rules.md."),
    "rules.unknown_key": Entry("A rule has a key that does not exist.", "Correct its name; see docs/reference/rules.md."),
    "rules.unknown_variable": Entry("There is no such variable.", "Correct its name; see docs/reference/rules.md."),
    "rules.unsafe": Entry(
        "A condition or pattern is not one that we run.", "Use the listed operators, and patterns that cannot take long."
    ),
    "rules.unknown_service": Entry("A slip names a step that no service here has.", "Start the service, or correct the name."),
    "rules.cycle": Entry("A slip leads back to the router.", "Name steps only; a step asks for a new slip with Reroute."),
    "rules.duplicate_id": Entry("Two rules have the same id.", "Give each rule an id of its own."),
    "rules.unreachable": Entry("A rule comes after one that matches all it matches.", "Give it a lower priority."),
    "rules.same_priority": Entry("Two rules of one priority may match the same message.", "Give them different priorities."),
    "rules.no_source": Entry("A rule asks for what nothing can tell yet.", "It does not match until there is a source for it."),
    # http: requests that are refused, whatever they ask for
    "http.bad_request": Entry(
        "The request is not one that this server understands.", "See the detail; docs/reference/http.md has examples."
    ),
    "http.unsupported_media": Entry(
        "The body is not plain JSON in UTF-8.", "Send Content-Type: application/json, without Content-Encoding."
    ),
    "http.invalid": Entry("Fields of the request cannot be accepted.", "Correct the fields that errors names."),
    "http.timeout": Entry("The request came too slowly.", "Send headers within 10 s and the body within 15 s."),
    "http.headers_too_large": Entry("The headers are too large.", "Send at most 16 KiB of headers, 8 KiB a line."),
    "http.not_found": Entry("There is nothing at this path.", "Check the path; bitbrat run prints the routes at start."),
    "http.method_not_allowed": Entry("This path does not take that method.", "Use one of those in the Allow header."),
    "http.idempotency_conflict": Entry("This Idempotency-Key was used with another body.", "Use a new key for a new request."),
    "http.forbidden_host": Entry("The request was made under a name that is not ours.", "Use localhost or 127.0.0.1."),
    "http.forbidden_origin": Entry("A web page from elsewhere made this request.", "Use the console, or the command line."),
    "http.not_ready": Entry("The process cannot do its work at the moment.", "Wait, then look at what it misses: bitbrat doctor."),
    "auth.bad_key": Entry("The key is not accepted.", "Send the configured key in the Authorization header, behind the word Bearer."),
    "net.port_in_use": Entry("The port is already in use.", "Stop what holds it, or set BITBRAT_HTTP_PORT to another one."),
    # config
    "config.missing": Entry("A required setting is missing.", "Set the named environment variable."),
    "config.bad": Entry("A setting has a value that cannot be used.", "Correct the named setting."),
    "config.unknown": Entry("There is no such setting.", "Correct the name; see docs/reference/settings.md."),
    "config.two_groups": Entry("Two services want the same step topic.", "Give each step a topic of its own."),
    "config.no_transaction": Entry("This step has no transaction.", "Declare effects='transactional' (or 'leased') on the step."),
    "config.breaks_promise": Entry(
        "This setting would break a delivery promise.", "Change the setting; docs/concepts/delivery.md says which promise."
    ),
    # irc: lines of Twitch chat
    "irc.malformed": Entry(
        "The line is not IRC, or a chat message without channel, sender or text.", "Look at the line with bitbrat twitch parse --wire."
    ),
    "irc.line_too_long": Entry(
        "More than 64 KiB came without a line end.", "The connection is closed and opened anew; check the server's address."
    ),
    "irc.login_failed": Entry(
        "Twitch refused the token of the chat login.", "Sign in again, or set a fresh token; the rest goes on meanwhile."
    ),
    "irc.bad_auth_format": Entry("Twitch cannot read the chat login at all.", "Correct the account name and the token in the settings."),
    "irc.join_failed": Entry("A channel was not joined.", "Check its spelling, and whether the account is banned there: bitbrat doctor."),
    "irc.disconnected": Entry(
        "The chat connection was lost or could not be opened.", "Nothing: it comes back by itself. Check the network."
    ),
    "irc.ping_flood": Entry("The server sends more PINGs than we answer.", "Check the server's address; Twitch sends one in five minutes."),
    "irc.cap_refused": Entry(
        "The server refuses message tags or commands.", "Check the server's address; without tags there are no ids and roles."
    ),
    "irc.notice": Entry("The server said something before the login was through.", "Read it: it is in the log line."),
    "irc.line_refused": Entry(
        "A chat line was read and could not be stored.", "Look at the bus and the store: bitbrat doctor. The line is lost."
    ),
    "irc.lines_dropped": Entry(
        "Chat lines were read and not stored before the process ended.", "Look at what made the bus slow: bitbrat doctor."
    ),
    "irc.refresh_failed": Entry("No fresh token could be got for the chat login.", "Sign in again."),
    # egress: replies on their way out
    "egress.not_sent": Entry("Nothing was sent.", "See the message for why: bitbrat trace ID. Sending it again is safe."),
    "egress.unknown_outcome": Entry(
        "Something was sent, and nobody knows what became of it.", "Look at the chat, then bitbrat dlq replay ID."
    ),
    "egress.refused": Entry("The chat refused the message.", "Twitch's own reason is in the message: bitbrat trace ID."),
    "egress.empty": Entry("Nothing was left to say once line ends and control characters were taken out.", "Give the reply a text."),
    "egress.too_late": Entry(
        "The reply's deadline passed before it could be sent.", "Raise the deadline, or ask bitbrat doctor what is slow."
    ),
    # cli
    "cli.unknown_code": Entry("There is no such error code.", "List them all: bitbrat explain"),
    "cli.cannot_connect": Entry("Nothing answers there.", "Start it: make dev"),
    "cli.usage": Entry("The command was called in a way that it does not understand.", "See its --help."),
    "cli.refused": Entry("The command would do something that it must not.", "See its --help for the flag that allows it."),
    "cli.no_data": Entry("Nothing has run here yet.", 'Run bitbrat dev, or bitbrat say "!ping", in this folder.'),
    "cli.no_rules": Entry("That process runs no router, so it has no rules.", "Ask where the router runs."),
    "cli.not_ended": Entry("The message has not ended yet.", "Look at it later: bitbrat trace ID."),
    "cli.exists": Entry("There is a file already where one would be written.", "Choose another name, or remove the file."),
    "cli.not_found": Entry("There is no such message.", "List the last ones: bitbrat tail --last 20"),
    "internal.error": Entry("Something happened that BitBrat did not expect.", "Report it, with the message and the command."),
}


def explain(code: str) -> Entry:
    """The entry of ``code``. Codes made by services themselves are not in the table; they get a general one."""
    return CATALOGUE.get(code) or Entry("A service reported this code.", "Look at the message: bitbrat trace ID.")
