"""What the platform tells about itself: logs and metrics, under the names of :mod:`bitbrat.telemetry.names`.

Nothing is imported here: who only wants metrics does not pay for the logger.
"""
