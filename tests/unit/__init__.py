"""Claims about one room at a time; nothing outside the process."""
