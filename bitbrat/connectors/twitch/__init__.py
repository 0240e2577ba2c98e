"""Twitch: chat lines and notifications in, chat messages out."""
